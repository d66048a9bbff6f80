"""Fine-tuning a student while it computes as int8 will: fake quantisation with the rules of `ppg_deploy.quantize`."""
