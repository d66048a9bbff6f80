# make demo | test | lint | bench | fuzz | fuzz-protocol      (see README.md)
# make test TRAIN=1 also installs torch and runs the tests that need it.
# make cross-check compares both converters on two students; make cross-check SLOW=1 on all of them. It needs 2.5 GB.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOL := $(BIN)/ppg-deploy
TRAIN ?=
SLOW ?=
VENV_TF := .venv-tf
comma := ,

COMPILER_PACKAGES := gcc-arm-none-eabi libnewlib-arm-none-eabi
TEST_PACKAGES := $(COMPILER_PACKAGES) libstdc++-arm-none-eabi-newlib qemu-system-arm gcc g++ libc6-dev chromium
TEST_EXTRAS := emulator,golden,dev$(if $(TRAIN),$(comma)train)

.PHONY: demo test lint bench qemu-check fuzz fuzz-protocol cross-check clean

demo: $(VENV)/.demo-installed
	$(TOOL) quantize models/pulse-demo/student.onnx
	$(TOOL) build --board nucleo-l4
	$(TOOL) bench --emulator unicorn --data models/pulse-demo/test.npz

test: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/pytest --numprocesses auto --dist worksteal

lint: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy models benchmarks

bench: $(VENV)/.demo-installed
	$(BIN)/python -m benchmarks.emulated_cost --save

# The same images under QEMU: instruction counts must agree within 0.1 %.
qemu-check: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/python -m benchmarks.qemu_check --save

# TensorFlow stays out of the other virtual environment: nothing but this needs it.
cross-check: $(VENV_TF)/.installed
	$(VENV_TF)/bin/python -m pytest -m "tf$(if $(SLOW),, and not slow)" tests/end_to_end/test_cross_check.py

# 500 mutated models of each format; about five minutes. Single cases: see tests/fuzz/run.py.
fuzz: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/python -m tests.fuzz.run --onnx 500 --tflite 500

# 5,000,000 broken conversations with the firmware's parsers under sanitizers; about four minutes. See tests/fuzz/protocol.py.
fuzz-protocol: $(VENV)/.test-installed$(TRAIN)
	$(BIN)/python -m tests.fuzz.protocol --executions 5000000

clean:
	rm -rf $(VENV) $(VENV_TF) build

$(VENV_TF)/.installed: pyproject.toml
	./scripts/require-packages --python $(PYTHON)
	$(PYTHON) -m venv $(VENV_TF)
	$(VENV_TF)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[golden,tf,dev]"
	@touch $@

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
