# Everything is set up on first use: each target makes .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT := out/office_doorway

.PHONY: setup run test check app firmware benchmark clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[app,firmware,dev,docs,testing]"
	touch $@

run: $(STAMP)
	$(BIN)/twin run office_doorway --node ceiling_counter --out $(OUT)

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy app.py app_pages benchmarks
	$(BIN)/lint-imports

app: $(STAMP)
	$(BIN)/python app.py

# Needs arm-none-eabi-gcc (Debian: apt-get install gcc-arm-none-eabi).
firmware: $(STAMP)
	$(BIN)/python -m mcu_models.firmware.reference_image

benchmark: $(STAMP)
	$(BIN)/python benchmarks/real_time_factor.py

clean:
	rm -rf $(VENV) out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
