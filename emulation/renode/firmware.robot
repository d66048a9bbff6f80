*** Settings ***
Documentation     The hardware test suite: a built firmware on Renode, or on a real board with --variable PORT:/dev/ttyACM0.
...
...               robot --variable BOARD:nucleo-l476rg --variable ELF:build/firmware/firmware.elf emulation/renode/firmware.robot
...
...               The tests build on each other: run all of them, in this order.
Library           PpgDevice.py
Suite Setup       Start Device    ${BOARD}    ${ELF}    renode=${RENODE}    port=${PORT}    baud=${BAUD}
Suite Teardown    Stop Device
# Without these two, renode-test puts its own keywords here, which reset a Renode that is not ours.
Test Setup        No Operation
Test Teardown     No Operation
Test Timeout      5 minutes

*** Variables ***
${BOARD}          nucleo-l476rg
${ELF}            ${CURDIR}/../../build/firmware/firmware.elf
# Renode's program; empty: $RENODE, else on PATH
${RENODE}         ${EMPTY}
# a serial port; empty: Renode
${PORT}           ${EMPTY}
${BAUD}           ${EMPTY}
${IDLE_S}         3

*** Test Cases ***
Boots And Says So
    Reset Real Board
    Device Should Boot    power    pin    software    unknown

Refuses Requests Before Hello
    Request Without Session Should Be Refused

Answers Hello
    Hello Should Be Answered

Receives The Longest Frame By Interrupt
    Echo Should Return Every Byte
    Nothing Should Be Lost

Runs One Inference
    One Inference Should Succeed

Gives The Same Answer Again
    Same Inference Should Give The Same Answer

Counts Instructions
    [Tags]    renode
    Skip If    $PORT != ""    only Renode counts instructions by itself
    Ticks Should Be Instructions    5

Survives Garbage On The Line
    Garbage Should Be Survived

Stays Alive When Nobody Asks
    Device Should Stay Alive    ${IDLE_S}

Restarts On Request
    Restart Device
    # netduinoplus2: Renode's own RCC always says power-on.
    IF    $BOARD == "netduinoplus2" and $PORT == ""
        Device Should Boot    software    power
    ELSE
        Device Should Boot    software
    END
    Request Without Session Should Be Refused

Works After The Restart
    Hello Should Be Answered
    One Inference Should Succeed
    Nothing Should Be Lost
