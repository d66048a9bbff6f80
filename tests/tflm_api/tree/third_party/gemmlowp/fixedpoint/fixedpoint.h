// Written for the tests of ppg-deploy; see tests/tflm_api/README.md.
#pragma once
