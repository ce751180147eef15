# Everything is set up on first use: each target makes .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT := out/office_doorway

.PHONY: setup run test check app firmware benchmark docs fuzz soak clean

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
	$(BIN)/mypy app.py app_pages benchmarks fuzz
	$(BIN)/lint-imports

app: $(STAMP)
	$(BIN)/python app.py

# Needs arm-none-eabi-gcc (Debian: apt-get install gcc-arm-none-eabi).
firmware: $(STAMP)
	$(BIN)/python -m mcu_models.firmware.reference_image

benchmark: $(STAMP)
	$(BIN)/python benchmarks/real_time_factor.py

docs: $(STAMP)
	$(BIN)/mkdocs build --strict --site-dir out/site

# Damaged files for every reader; a day of virtual time of every image. Both take minutes to hours.
FUZZ_INPUTS ?= 10000
fuzz: $(STAMP)
	$(BIN)/python -m fuzz --inputs $(FUZZ_INPUTS)

soak: $(STAMP)
	$(BIN)/python benchmarks/soak.py

clean:
	rm -rf $(VENV) out build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
