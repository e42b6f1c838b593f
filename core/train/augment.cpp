// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/augment.h"

#include <algorithm>
#include <cmath>

namespace bitscape::train {

namespace {

constexpr std::string_view kWhere = "--augment";

/// The image moved by whole pixels; `nearest` repeats the border where nothing moves in, else 0.
void translate(MutableTensorView image, Index down, Index right, bool nearest)
{
    const Index height = image.shape[0];
    const Index width = image.shape[1];
    const Index channels = image.shape[2];
    const std::vector<float> kept(image.values().begin(), image.values().end());
    for (Index y = 0; y < height; ++y) {
        for (Index x = 0; x < width; ++x) {
            const Index fromY = std::clamp<Index>(y - down, 0, height - 1);
            const Index fromX = std::clamp<Index>(x - right, 0, width - 1);
            const bool isInside = fromY == y - down && fromX == x - right;
            float* to = image.data + (y * width + x) * channels;
            if (isInside || nearest) {
                std::copy_n(kept.data() + (fromY * width + fromX) * channels, channels, to);
            } else {
                std::fill_n(to, channels, 0.0F);
            }
        }
    }
}

/// A whole number in −most … most.
Index offset(Rng& rng, Index most)
{
    return static_cast<Index>(rng.below(static_cast<std::uint64_t>(2 * most + 1))) - most;
}

void flipColumns(MutableTensorView image)
{
    const Index width = image.shape[1];
    const Index channels = image.shape[2];
    for (Index y = 0; y < image.shape[0]; ++y) {
        float* row = image.data + y * width * channels;
        for (Index left = 0, right = width - 1; left < right; ++left, --right) {
            std::swap_ranges(row + left * channels, row + (left + 1) * channels,
                             row + right * channels);
        }
    }
}

void flipRows(MutableTensorView image)
{
    const Index size = image.shape[1] * image.shape[2];
    for (Index top = 0, bottom = image.shape[0] - 1; top < bottom; ++top, --bottom) {
        std::swap_ranges(image.data + top * size, image.data + (top + 1) * size,
                         image.data + bottom * size);
    }
}

Augmentation makeFlip(const CallArguments& arguments)
{
    return [horizontal = arguments.flag("horizontal"),
            vertical = arguments.flag("vertical")](MutableTensorView image, Rng& rng) {
        if (horizontal && rng.below(2) == 1) {
            flipColumns(image);
        }
        if (vertical && rng.below(2) == 1) {
            flipRows(image);
        }
    };
}

Augmentation makeCrop(const CallArguments& arguments)
{
    return [padding = static_cast<Index>(arguments.number("padding"))](MutableTensorView image,
                                                                       Rng& rng) {
        const Index down = offset(rng, padding);
        translate(image, down, offset(rng, padding), false);
    };
}

Augmentation makeShift(const CallArguments& arguments)
{
    return [height = arguments.number("height"), width = arguments.number("width"),
            nearest = arguments.flag("nearest")](MutableTensorView image, Rng& rng) {
        const auto most = [](double share, Index size) {
            return static_cast<Index>(std::floor(share * static_cast<double>(size)));
        };
        const Index down = offset(rng, most(height, image.shape[0]));
        translate(image, down, offset(rng, most(width, image.shape[1])), nearest);
    };
}

/// Parts between the commas that lie outside parentheses.
std::vector<std::string> callsOf(std::string_view text)
{
    std::vector<std::string> calls(1);
    int depth = 0;
    for (const char c : text) {
        depth += c == '(' ? 1 : (c == ')' ? -1 : 0);
        if (c == ',' && depth == 0) {
            calls.emplace_back();
        } else {
            calls.back() += c;
        }
    }
    return calls;
}

} // namespace

std::span<const AugmentationInfo> augmentations()
{
    static const std::vector<AugmentationInfo> table{
        {"flip",
         "",
         "Mirrors every second image.",
         {{"horizontal", true, "Left and right change places."},
          {"vertical", false, "Top and bottom change places."}},
         &makeFlip},
        {"crop",
         "",
         "Cuts the image's size out of the image with a border of zeros around it.",
         {{"padding", 4.0, "Pixels of the border.", 0, 1e4}},
         &makeCrop},
        {"shift",
         "",
         "Moves the image by a part of its size at most.",
         {{"height", 0.1, "Up or down.", 0, 1},
          {"width", 0.1, "To the left or right.", 0, 1},
          {"nearest", true, "Repeat the border where nothing moves in; else 0."}},
         &makeShift},
    };
    return table;
}

Result<std::vector<Augmentation>> makeAugmentations(std::string_view text)
{
    std::vector<Augmentation> made;
    if (text.empty()) {
        return made;
    }
    for (const std::string& part : callsOf(text)) {
        auto call = parseKerasCall(part, kWhere);
        if (!call) {
            return fail(std::move(call).error());
        }
        const auto row = findRow(augmentations(), *call, "augmentation", kWhere);
        if (!row) {
            return fail(row.error());
        }
        auto arguments = CallArguments::bind(*call, (*row)->parameters, kWhere);
        if (!arguments) {
            return fail(std::move(arguments).error());
        }
        made.push_back((*row)->make(*arguments));
    }
    return made;
}

} // namespace bitscape::train
