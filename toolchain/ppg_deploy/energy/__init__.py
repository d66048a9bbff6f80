"""Energy of an inference: instruments, traces, gates and figures; and the estimate for where there is no instrument."""
