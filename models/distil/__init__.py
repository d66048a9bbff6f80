"""From windows to a deployable student: teacher, distillation, int8 fine-tuning, export and the int8 error."""
