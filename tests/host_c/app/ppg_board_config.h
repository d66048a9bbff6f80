/* What the project renderer would write for a board that is a process on the host. */
#ifndef PPG_BOARD_CONFIG_H
#define PPG_BOARD_CONFIG_H

#define PPG_BOARD_ID "a-board-id-of-just-32-characters"
#define PPG_BUILD_ID "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define PPG_FIRMWARE_VERSION "1.2.3"

#endif
