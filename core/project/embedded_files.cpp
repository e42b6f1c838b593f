// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/sample.h"

// The assembler puts the files into the read-only data of the program: no copy at start-up, no
// array for the compiler to chew. BITSCAPE_SAMPLES is the folder; CMake makes this file depend on
// the files in it.
// NOLINTBEGIN(bugprone-macro-parentheses): the macro declares names
#define BITSCAPE_EMBED(symbol, file)                                                               \
    asm(".section .rodata\n.balign 16\n.global " #symbol "\n" #symbol                              \
        ":\n.incbin \"" BITSCAPE_SAMPLES "/" file "\"\n.global " #symbol "_end\n" #symbol          \
        "_end:\n.byte 0\n.text\n");                                                                \
    extern "C" const char symbol[];                                                                \
    extern "C" const char symbol##_end[]
// NOLINTEND(bugprone-macro-parentheses)

BITSCAPE_EMBED(bitscape_digits_h5, "digits.h5");
BITSCAPE_EMBED(bitscape_digits_project, "digits.bitscape");

namespace bitscape::project {

namespace {

struct EmbeddedFile {
    std::string_view name;
    const char* begin;
    const char* end;
};

} // namespace

std::string_view embeddedFile(std::string_view name)
{
    static const std::array<EmbeddedFile, 2> files{
        {{"digits.h5", bitscape_digits_h5, bitscape_digits_h5_end},
         {"digits.bitscape", bitscape_digits_project, bitscape_digits_project_end}}};
    for (const EmbeddedFile& file : files) {
        if (file.name == name) {
            return {file.begin, static_cast<std::size_t>(file.end - file.begin)};
        }
    }
    return {};
}

std::span<const std::string_view> embeddedModels()
{
    static constexpr std::array<std::string_view, 1> kNames{"digits"};
    return kNames;
}

} // namespace bitscape::project
