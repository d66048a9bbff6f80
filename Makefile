# make demo | test | lint | bench | fuzz      (see README.md)
# make test TRAIN=1 also installs torch and runs the tests that need it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOL := $(BIN)/ppg-deploy
TRAIN ?=
comma := ,

COMPILER_PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi
TEST_PACKAGES := $(COMPILER_PACKAGES) qemu-system-arm gcc libc6-dev
TEST_EXTRAS := emulator,golden,dev$(if $(TRAIN),$(comma)train)

.PHONY: demo test lint bench fuzz clean

demo: $(VENV)/.demo-installed
	$(TOOL) quantize models/pulse-demo/student.onnx
	$(TOOL) build --board nucleo-l4
	$(TOOL) bench --emulator unicorn --data models/pulse-demo/test.npz

test: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/pytest

lint: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy models benchmarks

bench: $(VENV)/.demo-installed
	$(BIN)/python -m benchmarks.emulated_cost

# 500 mutated models of each format; about five minutes. Single cases: see tests/fuzz/run.py.
fuzz: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/python -m tests.fuzz.run --onnx 500 --tflite 500

clean:
	rm -rf $(VENV) build

$(VENV)/.python:
	./scripts/require-packages --python $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.demo-installed: pyproject.toml | $(VENV)/.python
	./scripts/require-packages $(COMPILER_PACKAGES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[emulator,golden]"
	@touch $@

$(VENV)/.test-installed$(TRAIN): pyproject.toml | $(VENV)/.python
	./scripts/require-packages $(TEST_PACKAGES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(TEST_EXTRAS)]"
	@touch $@
