*** Settings ***
Documentation     Loads each board's renode.repl and reads registers, without a firmware:
...
...               robot emulation/renode/platforms.robot
...
...               Each test starts a Renode of its own.
Library           PpgDevice.py
Suite Setup       No Operation
Suite Teardown    Stop Device
Test Setup        No Operation
Test Teardown     Stop Device
Test Timeout      5 minutes

*** Variables ***
# Renode's program; empty: $RENODE, else on PATH
${RENODE}         ${EMPTY}

*** Test Cases ***
NUCLEO-L476RG
    Load Platform    nucleo-l476rg    ${RENODE}
    STM32L4 Registers Should Work
    USART Should Be Ready To Send    0x4000441C

B-L475E-IOT01A
    Load Platform    b-l475e-iot01a    ${RENODE}
    STM32L4 Registers Should Work
    USART Should Be Ready To Send    0x4001381C

Netduino Plus 2
    Load Platform    netduinoplus2    ${RENODE}
    # RCC_CR: the PLL is ready as soon as it is on. FLASH_ACR: the wait states read back.
    Write Register    0x40023800    0x01000081
    Register Should Have Bits    0x40023800    0x02000002
    Write Register    0x40023C00    0x5
    Register Should Read    0x40023C00    0x5
    Register Should Read    0xE0042000    0x10076413
    # USART_SR after reset: TXE, TC
    Register Should Read    0x40011000    0xC0

nRF52840 DK
    Load Platform    nrf52840-dk    ${RENODE}
    # the crystal starts at once
    Register Should Read    0x40000100    0x0
    Write Register    0x40000000    0x1
    Register Should Read    0x40000100    0x1
    # NVMC ready; FICR: part and revision; UICR: protection off; RESETREAS: power-on
    Register Should Read    0x4001E400    0x1
    Register Should Read    0x10000130    0x8
    Register Should Read    0x10000134    0x5
    Register Should Read    0x10001208    0x5A
    Register Should Read    0x40000400    0x0
    # OUTSET shows in OUT, on port 1 too
    Write Register    0x50000508    0x40
    Register Should Read    0x50000504    0x40
    Write Register    0x50000808    0x2
    Register Should Read    0x50000804    0x2
    # UARTE: BAUDRATE after reset
    Register Should Read    0x40002524    0x04000000

*** Keywords ***
STM32L4 Registers Should Work
    # RCC_CR after reset; then HSI16 and PLL, ready as soon as they are on. RCC_CFGR: SWS follows SW.
    Register Should Read    0x40021000    0x63
    Write Register    0x40021000    0x01000100
    Register Should Read    0x40021000    0x03000500
    Write Register    0x40021008    0x3
    Register Should Read    0x40021008    0xF
    # RCC_CSR: brown-out and pin, until RMVF
    Register Should Read    0x40021094    0x0C000600
    Write Register    0x40021094    0x00800600
    Register Should Read    0x40021094    0x00800600
    # PWR_CR1 range 1, FLASH_ACR, DBGMCU_IDCODE
    Register Should Read    0x40007000    0x200
    Register Should Read    0x40022000    0x600
    Register Should Read    0xE0042000    0x10076415

USART Should Be Ready To Send
    [Arguments]    ${status}
    Register Should Have Bits    ${status}    0xC0
