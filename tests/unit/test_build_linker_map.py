from ppg_deploy.building.linker_map import FILL, Contribution, read_map

# Excerpt in the format of GNU ld 2.40.
MAP = """
Discarded input sections

 .text.unused   0x00000000       0x44 .pio/build/b/src/app/ppg_app.o

Linker script and memory map

LOAD .pio/build/b/src/app/main.o

.text           0x080001c0     0x13e0
 *(.text .text.*)
 .text.startup.main
                0x080001c0       0x1c .pio/build/b/src/app/main.o
                0x080001c0                main
 .text.echo     0x080001dc       0x1a .pio/build/b/src/app/ppg_app.o
 *fill*         0x080001f6        0x2
 .text          0x080001f8       0x10 /usr/lib/a folder/libc_nano.a(libc_a-memcmp.o)

.rodata         0x080015e0      0x1a0
 .rodata.str1.4
                0x080015e0       0xa1 .pio/build/b/src/app/ppg_app.o
                                 0xb3 (size before relaxing)

.bss            0x20001000      0x8a0 load address 0x08001780
                0x20001000                _sbss = .
 COMMON         0x20001000       0x10 .pio/build/b/src/app/ppg_app.o
 .bss.empty     0x20001010        0x0 .pio/build/b/src/app/ppg_app.o
"""


def test_each_kind_of_line_is_understood() -> None:
    app = ".pio/build/b/src/app/ppg_app.o"
    assert read_map(MAP) == (
        Contribution(".text", 0x0800_01C0, 0x1C, ".pio/build/b/src/app/main.o"),
        Contribution(".text", 0x0800_01DC, 0x1A, app),
        Contribution(".text", 0x0800_01F6, 0x2, FILL),
        Contribution(".text", 0x0800_01F8, 0x10, "/usr/lib/a folder/libc_nano.a(libc_a-memcmp.o)"),
        Contribution(".rodata", 0x0800_15E0, 0xA1, app),
        Contribution(".bss", 0x2000_1000, 0x10, app),
    )


def test_an_unknown_format_yields_nothing() -> None:
    assert read_map("something else entirely") == ()
