// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_sources.h"

#include <algorithm>

// CIFAR-10 binary: a label byte, then 32×32 pixels as three planes, per image.
namespace bitscape::io {

namespace {

constexpr std::size_t kSide = 32;
constexpr std::size_t kPixels = kSide * kSide;
constexpr std::size_t kRow = 1 + 3 * kPixels;

} // namespace

bool isCifar(const SourceText& source)
{
    return source.path.ends_with(".bin") && source.size > 0 && source.size % kRow == 0;
}

std::size_t cifarBytesNeeded(const SourceText& source, const DataRecipe& recipe)
{
    const auto rows = rowsOf(recipe, static_cast<Index>(source.size / kRow));
    return rows ? static_cast<std::size_t>(rows->first + rows->count) * kRow : source.size;
}

Result<RawData> readCifar(const SourceText& source, const DataRecipe& recipe,
                          const ReadContext& context)
{
    const auto total = static_cast<Index>(source.size / kRow);
    const auto range = rowsOf(recipe, total);
    if (!range) {
        return fail(Error(range.error()));
    }
    Array images{"uint8", {range->count, kSide, kSide, 3}, {}, {}};
    images.values.resize(static_cast<std::size_t>(range->count) * (kRow - 1));
    RawData raw;
    float* out = images.values.data();
    for (Index i = 0; i < range->count; ++i) {
        if (auto ok = context.job.proceed(); !ok) {
            return fail(std::move(ok).error());
        }
        const auto* row = reinterpret_cast<const std::uint8_t*>(source.bytes.data()) +
                          static_cast<std::size_t>(range->first + i) * kRow;
        raw.labels.push_back(row[0]);
        for (std::size_t pixel = 0; pixel < kPixels; ++pixel) {
            for (std::size_t channel = 0; channel < 3; ++channel) {
                *out++ = row[1 + channel * kPixels + pixel];
            }
        }
    }
    raw.inputs.emplace_back("x", std::move(images));
    raw.picked = true;
    raw.fixedLayout = true;
    raw.total = total;
    raw.sha256 = source.sha256;
    return raw;
}

} // namespace bitscape::io
