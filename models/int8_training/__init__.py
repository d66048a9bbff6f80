"""Fine-tuning a student while it computes as int8 will: fake quantisation by the rules of `ppg_deploy.quantization`."""
