// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

// The fuzz targets without libFuzzer: their corpus as it stands, then damaged in the ways that
// files are damaged, for some seconds. Any compiler builds it, so every test run has it.
//
// Usage: fuzz_replay TARGET FOLDER SECONDS. A crash leaves the input as TARGET.crash.

#define BITSCAPE_TARGET(name)                                                                      \
    extern "C" int fuzz_##name(const std::uint8_t* data, std::size_t size);
#include "targets.inc"
#undef BITSCAPE_TARGET

namespace {

using Bytes = std::vector<std::uint8_t>;
using Random = std::mt19937_64;

struct Target {
    std::string_view name;
    int (*run)(const std::uint8_t* data, std::size_t size);
};

constexpr Target kTargets[]{
#define BITSCAPE_TARGET(name) {#name, fuzz_##name},
#include "targets.inc"
#undef BITSCAPE_TARGET
};

std::size_t below(Random& random, std::size_t bound)
{
    return bound == 0 ? 0 : static_cast<std::size_t>(random() % bound);
}

/// One kind of damage.
void damage(Bytes& bytes, Random& random, const std::vector<Bytes>& corpus)
{
    constexpr std::uint8_t kTelling[]{0x00, 0x01, 0x7F, 0x80, 0xFF};
    const std::size_t at = below(random, bytes.size());
    const std::size_t length = 1 + below(random, 8);
    switch (below(random, 7)) {
    case 0: // a bit turned
        if (!bytes.empty()) {
            bytes[at] ^= static_cast<std::uint8_t>(1U << below(random, 8));
        }
        break;
    case 1: // a byte that means something
        if (!bytes.empty()) {
            bytes[at] = kTelling[below(random, std::size(kTelling))];
        }
        break;
    case 2: // a number of ones or zeros: sizes, offsets
        for (std::size_t i = at; i < std::min(at + length, bytes.size()); ++i) {
            bytes[i] = length % 2 == 0 ? 0xFF : 0x00;
        }
        break;
    case 3: // cut off
        bytes.resize(at);
        break;
    case 4: // a piece missing
        bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    bytes.begin() +
                        static_cast<std::ptrdiff_t>(std::min(at + length, bytes.size())));
        break;
    case 5: { // a piece twice
        const Bytes piece(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                          bytes.begin() +
                              static_cast<std::ptrdiff_t>(std::min(at + 64, bytes.size())));
        bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
        break;
    }
    default: { // the end of another file
        const Bytes& other = corpus[below(random, corpus.size())];
        const std::size_t from = below(random, other.size());
        bytes.resize(at);
        bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
    }
    }
}

std::vector<Bytes> readCorpus(const std::filesystem::path& folder)
{
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Bytes> corpus;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return corpus;
}

/// Written before the call: a crash leaves it behind.
class Trace {
public:
    explicit Trace(std::string path) : m_path(std::move(path)) {}
    void keep(const Bytes& bytes) const
    {
        std::ofstream(m_path, std::ios::binary | std::ios::trunc)
            .write(reinterpret_cast<const char*>(bytes.data()),
                   static_cast<std::streamsize>(bytes.size()));
    }
    void forget() const { std::filesystem::remove(m_path); }

private:
    std::string m_path;
};

} // namespace

int main(int argc, char** argv)
try {
    if (argc != 4) {
        std::fprintf(stderr, "usage: fuzz_replay TARGET FOLDER SECONDS\n");
        return 2;
    }
    const std::string_view name = argv[1];
    const auto* target = std::find_if(std::begin(kTargets), std::end(kTargets),
                                      [&](const Target& one) { return one.name == name; });
    const std::vector<Bytes> corpus = readCorpus(argv[2]);
    if (target == std::end(kTargets) || corpus.empty()) {
        std::fprintf(stderr, "fuzz_replay: no target %s, or nothing in %s\n", argv[1], argv[2]);
        return 2;
    }
    const Trace trace(std::string(name) + ".crash");
    const auto run = [&](const Bytes& bytes) {
        trace.keep(bytes);
        target->run(bytes.data(), bytes.size());
    };
    for (const Bytes& bytes : corpus) {
        run(bytes);
    }
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::duration<double>(std::atof(argv[3]));
    Random random(1);
    long runs = 0;
    for (; std::chrono::steady_clock::now() < end; ++runs) {
        Bytes bytes = corpus[below(random, corpus.size())];
        for (std::size_t times = 1 + below(random, 3); times > 0; --times) {
            damage(bytes, random, corpus);
        }
        run(bytes);
    }
    trace.forget();
    std::printf("%s: %zu files, %ld damaged ones\n", argv[1], corpus.size(), runs);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz_replay: %s\n", error.what());
    return 1;
}
