#error "signal processing is not needed"
