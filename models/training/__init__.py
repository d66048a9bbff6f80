"""The parts of the training script: settings, data, fitting, export, evaluation."""
