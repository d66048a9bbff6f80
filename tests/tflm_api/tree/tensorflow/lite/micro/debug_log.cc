#error "debug_log.cc belongs to the platform: it must not be compiled"
