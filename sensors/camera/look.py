"""What people look like, and what they wear before their faces: drawn at random, nobody in particular."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Covering = Literal["none", "mask", "below_nose", "on_chin", "in_hand", "scarf", "hand"]
"""What is before the face; only "mask" is a mask worn correctly."""
COVERINGS: Final[tuple[Covering, ...]] = ("none", "mask", "below_nose", "on_chin", "in_hand", "scarf", "hand")
MaskKind = Literal["surgical", "folded", "cup", "cloth"]
HairKind = Literal["bald", "short", "medium", "long", "afro", "cap", "hood", "headscarf"]

_SKIN_DARK: Final = np.array([0.045, 0.022, 0.012])
_SKIN_MIDDLE: Final = np.array([0.33, 0.17, 0.095])
_SKIN_LIGHT: Final = np.array([0.62, 0.40, 0.30])
"""Linear reflectance of skin from the darkest to the lightest, about as the ends and the middle of the Monk scale."""


@dataclass(frozen=True)
class Look:
    """Appearance of one person; colours are linear reflectances.

    Attributes:
        skin_rgb: (3,) skin.
        lip_rgb: (3,) lips.
        hair_rgb: (3,) hair, brows and beard.
        eye_rgb: (3,) iris.
        cloth_rgb: (3,) what the shoulders wear.
        collar_rgb: (3,) collar, scarf, hood or headscarf.
        hair: How hair or headgear is worn.
        beard: 0 shaven to 1 full beard; a moustache from 0.25 on.
        glasses: 0 none, 1 rimmed, 2 dark.
        width: Width of the head relative to the average, likewise the next.
        length: Length of the face.
        jaw: How much narrower the jaw is than the temples, 0 to 1.
        nose: Length of the nose.
        eyes_apart: Distance of the eyes.
        mouth_open: 0 closed to 1 open.
        smile: -1 to 1.
        wrinkles: 0 to 1, with age.
        size: Size of the whole person; a child's head is 0.85 to 0.95.
        covering: What is before the face.
        mask: Cut of the mask, if there is one.
        mask_rgb: (3,) colour of the mask.
        mask_pattern: 0 plain to 1 strongly patterned.
        mask_fit: Random shifts of the mask's edges, (4,): nose, chin, left, right.
    """

    skin_rgb: Floats
    lip_rgb: Floats
    hair_rgb: Floats
    eye_rgb: Floats
    cloth_rgb: Floats
    collar_rgb: Floats
    hair: HairKind
    beard: float
    glasses: int
    width: float
    length: float
    jaw: float
    nose: float
    eyes_apart: float
    mouth_open: float
    smile: float
    wrinkles: float
    size: float
    covering: Covering
    mask: MaskKind
    mask_rgb: Floats
    mask_pattern: float
    mask_fit: Floats

    @property
    def is_masked(self) -> bool:
        """Whether a mask is worn over mouth and nose."""
        return self.covering == "mask"


def draw_look(rng: np.random.Generator, covering: Covering) -> Look:
    """Return somebody with this before the face."""
    skin = _skin(rng)
    is_bearded = rng.random() < 0.3
    hair = str(
        rng.choice(
            ["bald", "short", "medium", "long", "afro", "cap", "hood", "headscarf"],
            p=[0.08, 0.28, 0.16, 0.22, 0.06, 0.08, 0.05, 0.07],
        )
    )
    return Look(
        skin_rgb=skin,
        lip_rgb=skin * np.array([rng.uniform(0.85, 1.25), rng.uniform(0.45, 0.8), rng.uniform(0.5, 0.9)]),
        hair_rgb=_hair(rng),
        eye_rgb=np.array([[0.05, 0.025, 0.012], [0.08, 0.12, 0.2], [0.07, 0.1, 0.05]][int(rng.integers(3))]),
        cloth_rgb=_cloth(rng),
        collar_rgb=_cloth(rng),
        hair=hair,  # type: ignore[arg-type]
        beard=float(rng.uniform(0.15, 1.0)) if is_bearded else 0.0,
        glasses=int(rng.choice(3, p=[0.68, 0.26, 0.06])),
        width=float(rng.normal(1.0, 0.05)),
        length=float(rng.normal(1.0, 0.05)),
        jaw=float(rng.uniform(0.05, 0.5)),
        nose=float(rng.normal(1.0, 0.2)),
        eyes_apart=float(rng.normal(1.0, 0.06)),
        mouth_open=float(rng.choice([0.0, rng.uniform(0.1, 1.0)], p=[0.7, 0.3])),
        smile=float(rng.uniform(-0.5, 1.0)),
        wrinkles=float(rng.random()),
        size=float(rng.uniform(0.85, 0.95) if rng.random() < 0.12 else rng.normal(1.0, 0.035)),
        covering=covering,
        mask=str(rng.choice(["surgical", "folded", "cup", "cloth"], p=[0.45, 0.25, 0.1, 0.2])),  # type: ignore[arg-type]
        mask_rgb=_mask_colour(rng),
        mask_pattern=float(rng.choice([0.0, rng.uniform(0.2, 1.0)], p=[0.75, 0.25])),
        mask_fit=rng.normal(0.0, 1.0, 4),
    )


def _skin(rng: np.random.Generator) -> Floats:
    tone = rng.random()
    if tone < 0.5:
        mixed = _SKIN_DARK + (_SKIN_MIDDLE - _SKIN_DARK) * (2 * tone)
    else:
        mixed = _SKIN_MIDDLE + (_SKIN_LIGHT - _SKIN_MIDDLE) * (2 * tone - 1)
    return np.asarray(mixed * rng.normal(1.0, 0.06, 3))


def _hair(rng: np.random.Generator) -> Floats:
    kinds = np.array(
        [[0.008, 0.006, 0.005], [0.05, 0.027, 0.014], [0.2, 0.12, 0.05], [0.45, 0.43, 0.41], [0.16, 0.05, 0.02]]
    )
    chosen = kinds[int(rng.choice(len(kinds), p=[0.38, 0.27, 0.15, 0.14, 0.06]))]
    return np.asarray(chosen * rng.uniform(0.6, 1.4))


def _cloth(rng: np.random.Generator) -> Floats:
    """Return a colour of clothes: grey ones more often than bright ones."""
    grey = float(np.exp(rng.uniform(np.log(0.02), np.log(0.8))))
    tint = rng.uniform(0.3, 1.7, 3) if rng.random() < 0.6 else rng.uniform(0.93, 1.07, 3)
    return np.asarray(np.clip(grey * tint, 0.01, 0.88))


def _mask_colour(rng: np.random.Generator) -> Floats:
    """Return the colour of a mask: light blue, white, black, grey, green, pink, or that of any cloth."""
    blue, white, black = np.array([0.38, 0.62, 0.75]), np.array([0.8, 0.8, 0.79]), np.array([0.018, 0.018, 0.02])
    green, pink = np.array([0.4, 0.66, 0.56]), np.array([0.8, 0.47, 0.5])
    kind = int(rng.choice(6, p=[0.3, 0.25, 0.16, 0.05, 0.06, 0.18]))
    chosen = [blue, white, black, green, pink, _cloth(rng)][kind]
    return np.asarray(np.clip(chosen * rng.normal(1.0, 0.1) * rng.normal(1.0, 0.06, 3), 0.005, 0.92))
