"""Train the single-frame people counter C8-P-FC on simulated frames and write it with its manifest row.

Run from the project's folder, in an environment with the extra `train`:

    PYTHONPATH=. python -m training.train_people_counter
"""

from __future__ import annotations

import argparse
import hashlib
import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import confusion_matrix

from sensors.recording import read_recording
from training.frontend import SPAN_K, float_input
from training.int8_counter import Int8Counter, balanced_accuracy
from training.int8_network import convert_to_int8
from training.people_frames import CLASSES, LabelledFrames, balanced_frames

NAME = "people_c8_p_fc"
COMMAND = "PYTHONPATH=. python -m training.train_people_counter"
BATCH = 256
REPRESENTATIVE = 2000


def main() -> None:
    """Train, convert, evaluate and write."""
    arguments = _arguments()
    keras.utils.set_random_seed(arguments.seed)
    tf.config.experimental.enable_op_determinism()
    train = balanced_frames("train", deployments=arguments.deployments, seed=arguments.seed)
    validation = balanced_frames("validation", deployments=arguments.deployments // 5, seed=arguments.seed)
    test = balanced_frames("test", deployments=arguments.deployments // 5, seed=arguments.seed)
    print(f"frames: {len(train.count)} train, {len(validation.count)} validation, {len(test.count)} test")
    model = _fit(train, validation, arguments.epochs)
    content = convert_to_int8(_batch_of_one(model), float_input(train.frames[:REPRESENTATIVE]))
    counter = Int8Counter(content)
    accuracy = _report("held-out simulated frames", counter, test.frames, test.count)
    if arguments.recording:
        _report_recording(counter, arguments.recording)
    _write(
        content,
        _manifest_row(content, accuracy, len(train.count), model.count_params(), arguments),
        arguments.out,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deployments", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("mcu_models/networks"))
    parser.add_argument("--recording", type=Path, help="real frames to evaluate on; never used to choose anything")
    return parser.parse_args()


def _fit(train: LabelledFrames, validation: LabelledFrames, epochs: int) -> keras.Model:
    """Return the model after the epoch that was best on the validation deployments."""
    model = c8_p_fc()
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(3e-3, epochs * 2 * len(train.count) // BATCH)
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    best = keras.callbacks.EarlyStopping("val_accuracy", patience=epochs, restore_best_weights=True)
    frames, count = _with_mirror_images(train)
    model.fit(
        frames,
        count,
        validation_data=(float_input(validation.frames), validation.count),
        batch_size=BATCH,
        epochs=epochs,
        callbacks=[best],
        verbose=2,
    )
    return model


def c8_p_fc(batch: int | None = None) -> keras.Model:
    """Return an untrained C8-P-FC: 8 filters of 3 x 3, 2 x 2 maximum, one dense layer to 4 logits."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), batch_size=batch),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES),
        ]
    )


def _with_mirror_images(train: LabelledFrames) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs and their left-right mirror images: a room may be built either way round."""
    inputs = float_input(train.frames)
    return np.concatenate([inputs, inputs[:, :, ::-1]]), np.tile(train.count, 2)


def _batch_of_one(model: keras.Model) -> keras.Model:
    fixed = c8_p_fc(batch=1)
    fixed.set_weights(model.get_weights())
    return fixed


def _report(name: str, counter: Int8Counter, frames: np.ndarray, truth: np.ndarray) -> float:
    counts = counter.counts(frames)
    accuracy = balanced_accuracy(truth, counts)
    right = np.mean(counts == truth)
    print(f"{name}: {len(truth)} frames, balanced accuracy {accuracy:.4f}, accuracy {right:.4f}")
    print(confusion_matrix(truth, counts))
    return accuracy


def _report_recording(counter: Int8Counter, path: Path) -> None:
    recording = read_recording(path)
    easy = np.ones(len(recording.count), bool) if recording.confidence is None else recording.confidence == 1
    _report(f"easy frames of {path.name}", counter, recording.frames[easy], recording.count[easy])


def _manifest_row(content: bytes, accuracy: float, frames: int, parameters: int, arguments: argparse.Namespace) -> str:
    command = f"{COMMAND} --seed {arguments.seed} --deployments {arguments.deployments} --epochs {arguments.epochs}"
    return f"""\
# Networks that come with the twin. Rebuilt by the commands in `command`; see training/README.md.

[[network]]
name = "{NAME}"
file = "{NAME}.tflite"
sha256 = "{hashlib.sha256(content).hexdigest()}"
family = "single_frame_cnn"
architecture = "C8-P-FC"
window = 1
seed = {arguments.seed}
data = "{frames} simulated frames, equally many of 0 to 3 people, from {arguments.deployments} random deployments"
frontend = "minus_median"
frontend_step_degc = 0.25
frontend_span_degc = [{SPAN_K[0]}, {SPAN_K[1]}]
parameters = {parameters}
balanced_accuracy = {accuracy:.4f}
balanced_accuracy_data = "held-out simulated deployments, equally many frames of 0 to 3 people"
keras = "{keras.__version__}"
tensorflow = "{tf.__version__}"
command = "{command}"
"""


def _write(content: bytes, manifest: str, folder: Path) -> None:
    """Write the network and the manifest, each complete or not at all."""
    for name, data in ((f"{NAME}.tflite", content), ("manifest.toml", manifest.encode())):
        temporary = folder / f".{name}.{os.getpid()}.tmp"
        temporary.write_bytes(data)
        temporary.replace(folder / name)


if __name__ == "__main__":
    main()
