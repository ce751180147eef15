"""From light on the lens to RGB565: distortion, exposure, noise, colour filter, processing on the chip.

Radiance 1 of a scene is a white surface under `white_lux`; on the sensor that is white_lux / (4 N^2) for an f-number N.
Electrons = light x responsivity x exposure, with shot noise (Poisson, here its normal limit), read noise, dark
current, and each pixel's own offset and response; then gain, an ADC and the usual processing: interpolation of the
colour filter, white balance, colour correction, gamma.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.camera.camera_sheet import CameraSheet

    Picture = NDArray[np.float32]

CROSSTALK: Final = np.array([[0.80, 0.16, 0.04], [0.14, 0.74, 0.12], [0.05, 0.20, 0.75]], dtype=np.float32)
"""How the colour filters mix light, rows red, green, blue: assumed, as sensors of this age have it."""
_GAMMA: Final = 1 / 2.2
_BLUR_STEPS: Final = 5


@dataclass(frozen=True)
class Exposure:
    """How long and with which gain a frame is taken, and the white balance behind it.

    Attributes:
        time_s: Exposure of each row.
        gain: Analogue gain.
        balance: (3,) gains of red, green and blue.
    """

    time_s: float
    gain: float
    balance: NDArray[np.float32]


class ImageSensor:
    """One unit of an image sensor with its lens: a window of an array, with the pixels that this unit has.

    Args:
        sheet: Its datasheet.
        side_px: Rows and columns of the window, around the middle.
        columns: Columns that the whole array is read in; 320 is every second one of a VGA array.
        seed: Of the unit's fixed pattern and of all noise.
        crosstalk: (3, 3) how the unit's colour filters mix light; the chip corrects for `CROSSTALK` whatever they do.
        defocus_px: Standard deviation of the blur of a lens that is not screwed in as far as it should be.
    """

    def __init__(
        self,
        sheet: CameraSheet,
        *,
        side_px: int = 200,
        columns: int = 320,
        seed: int = 0,
        crosstalk: Picture = CROSSTALK,
        defocus_px: float = 0.0,
    ) -> None:
        self.sheet = sheet
        self._crosstalk = crosstalk
        self._defocus_px = defocus_px
        self.side_px = side_px
        self.focal_px = sheet.focal_px(columns)
        self._rng = np.random.default_rng(seed)
        shape = (side_px, side_px)
        self._response = self._normal(shape) * np.float32(sheet.response_spread.value) + np.float32(1)
        self._offset = self._normal(shape) * np.float32(sheet.fixed_pattern.value * sheet.full_well.value)
        self._map = _distorted(side_px, self.focal_px, sheet.radial_distortion.value)
        self._vignette = _vignette(side_px, self.focal_px)
        self._mosaic = _mosaic(side_px)

    def lens(self, radiance: Picture) -> Picture:
        """Return a pinhole picture as the lens throws it: distorted, darker towards the corners."""
        bent = cv2.remap(radiance, *self._map, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if self._defocus_px > 0:
            bent = cv2.GaussianBlur(bent, (0, 0), self._defocus_px)
        return np.asarray(bent * self._vignette, dtype=np.float32)

    def rolling(self, radiance: Picture, speed_px_s: tuple[float, float], exposure_s: float) -> Picture:
        """Return a picture that moves while its rows are exposed one after the other.

        Args:
            radiance: The picture in the middle of the frame.
            speed_px_s: How fast it moves to the right and down.
            exposure_s: Exposure of each row.
        """
        if max(map(abs, speed_px_s)) * max(exposure_s, self.side_px * self.sheet.row_s) < 0.25:
            return radiance
        rows = np.arange(self.side_px, dtype=np.float32)[:, np.newaxis]
        columns = np.arange(self.side_px, dtype=np.float32)[np.newaxis, :]
        since_s = (rows - self.side_px / 2) * np.float32(self.sheet.row_s)
        total = np.zeros_like(radiance)
        for step in np.linspace(-0.5, 0.5, _BLUR_STEPS):
            at_s = since_s + np.float32(step * exposure_s)
            x, y = columns - speed_px_s[0] * at_s, rows - speed_px_s[1] * at_s + 0 * columns
            total += cv2.remap(
                radiance, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        return np.asarray(total / np.float32(_BLUR_STEPS))

    def raw(self, radiance: Picture, exposure: Exposure) -> NDArray[np.uint16]:
        """Return what the ADC says of a picture on the sensor, (rows, columns), one colour a pixel."""
        sheet = self.sheet
        mixed = cv2.transform(radiance, self._crosstalk)
        light = np.take_along_axis(mixed, self._mosaic[..., np.newaxis], axis=2)[..., 0]
        per_s = sheet.responsivity_per_s.value * sheet.white_lux.value / (4 * sheet.f_number.value**2)
        electrons = light * self._response * np.float32(per_s * exposure.time_s)
        electrons += np.float32(sheet.dark_current_per_s.value * exposure.time_s)
        noise = np.sqrt(np.maximum(electrons, 0) + np.float32(sheet.read_noise.value**2))
        electrons += self._normal(electrons.shape) * noise + self._offset
        top = float(2**sheet.adc_bits - 1)
        levels = np.clip(electrons, 0, sheet.full_well.value) * np.float32(exposure.gain / sheet.full_well.value * top)
        return np.asarray(np.clip(levels + 0.5, 0, top), dtype=np.uint16)

    def process(self, raw: NDArray[np.uint16], exposure: Exposure) -> NDArray[np.uint8]:
        """Return (rows, columns, 3) red, green, blue as the chip's processing makes them of its raw values."""
        linear = cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB).astype(np.float32) / np.float32(2**self.sheet.adc_bits - 1)
        balanced = linear * exposure.balance
        corrected = cv2.transform(balanced, np.linalg.inv(CROSSTALK).astype(np.float32))
        return np.asarray(_GAMMA_TABLE[np.clip(corrected * 1023 + 0.5, 0, 1023).astype(np.uint16)])

    def _normal(self, shape: tuple[int, ...]) -> Picture:
        return self._rng.standard_normal(shape, dtype=np.float32)


_GAMMA_TABLE: Final = (255 * (np.arange(1024) / 1023) ** _GAMMA + 0.5).astype(np.uint8)


def rgb565(rgb: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return pixels (rows, columns) as the camera sends them: 5 bits of red, 6 of green, 5 of blue."""
    red, green, blue = (rgb[..., channel].astype(np.uint16) for channel in range(3))
    return np.asarray((red >> 3) << 11 | (green >> 2) << 5 | blue >> 3, dtype=np.uint16)


def rgb888(words: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return (rows, columns, 3) of RGB565 words; the upper bits fill the lower ones, so that white is 255."""
    red, green, blue = words >> 11, words >> 5 & 0x3F, words & 0x1F
    parts = (red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2)
    return np.stack(parts, axis=-1).astype(np.uint8)


def _distorted(side_px: int, focal_px: float, k1: float) -> tuple[Picture, Picture]:
    """Return where each pixel of the lens's picture comes from in the pinhole's: r' = r (1 + k1 r^2), undone."""
    centre = (side_px - 1) / 2
    place = (np.arange(side_px) - centre) / focal_px
    x, y = np.meshgrid(place, place)
    radius2 = x**2 + y**2
    # One step of the inverse series, good to 0.1 pixel within the window.
    undone = 1 - k1 * radius2 + 3 * k1**2 * radius2**2
    return tuple((axis * undone * focal_px + centre).astype(np.float32) for axis in (x, y))


def _vignette(side_px: int, focal_px: float) -> Picture:
    """Return the natural fall of light: the fourth power of the cosine of the field angle."""
    place = (np.arange(side_px) - (side_px - 1) / 2) / focal_px
    radius2 = place[:, np.newaxis] ** 2 + place[np.newaxis, :] ** 2
    return np.asarray(((1 + radius2) ** -2)[..., np.newaxis], dtype=np.float32)


def _mosaic(side_px: int) -> NDArray[np.int64]:
    """Return which colour each pixel sees: red, green / green, blue."""
    rows, columns = np.indices((side_px, side_px))
    return np.asarray((rows % 2) + (columns % 2))
