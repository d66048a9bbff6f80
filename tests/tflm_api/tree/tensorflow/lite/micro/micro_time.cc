#error "micro_time.cc belongs to the platform: it must not be compiled"
