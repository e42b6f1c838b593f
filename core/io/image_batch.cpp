// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/image_batch.h"

#include "core/base/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

namespace bitscape::io {

namespace {

std::string sizeText(Index height, Index width)
{
    return fmt::format("{}×{}", height, width);
}

/// The size that all become, and whether some must be resized to it.
struct CommonSize {
    ImageSize size;
    bool resized = false;
};

Result<CommonSize> commonSize(const ImageList& images, const DataRecipe& recipe, bool isGlance,
                              Warnings& warnings)
{
    if (recipe.imageSize) {
        return CommonSize{*recipe.imageSize, true};
    }
    const ImageInfo& first = images.infos.front();
    const auto other = std::ranges::find_if(images.infos, [&](const ImageInfo& info) {
        return info.height != first.height || info.width != first.width;
    });
    if (other != images.infos.end()) {
        const auto at = static_cast<std::size_t>(other - images.infos.begin());
        std::string text = fmt::format("The images differ in size: '{}' has {}, '{}' has {}.",
                                       images.name(0), sizeText(first.height, first.width),
                                       images.name(at), sizeText(other->height, other->width));
        if (!isGlance) {
            return fail(ErrorCode::ShapeMismatch, std::move(text), recipe.source,
                        "Bring them to one size with --image-size HxW.");
        }
        warnings.push_back({"sizes_differ", std::move(text), recipe.source});
    }
    return CommonSize{{first.height, first.width}, other != images.infos.end()};
}

/// How many pictures may be decoded at once so that their pixels stay below 512 MiB.
int threadsFor(const ImageList& images, int channels, int wanted)
{
    constexpr Index kDecoded = Index{512} << 20;
    Index largest = 1;
    for (const ImageInfo& info : images.infos) {
        const int decoded = std::max(channels, info.channels);
        largest = std::max(largest, info.height * info.width * decoded);
    }
    const auto cores = static_cast<Index>(std::max(1U, std::thread::hardware_concurrency()));
    const Index threads = wanted > 0 ? wanted : cores;
    return static_cast<int>(std::clamp<Index>(kDecoded / largest, 1, threads));
}

/// What happened to pictures, counted from all threads.
struct Tally {
    std::atomic<Index> alpha{0}, deep{0}, stray{0};

    void count(const Image& image)
    {
        alpha += image.hadAlpha ? 1 : 0;
        deep += image.was16Bit ? 1 : 0;
        stray += image.hadStrayBytes ? 1 : 0;
    }

    void tell(const std::string& source, Warnings& warnings) const
    {
        const auto say = [&](Index images, const char* code, std::string_view text) {
            if (images > 0) {
                warnings.push_back(
                    {code, fmt::format("{} image{} {}", images, images == 1 ? "" : "s", text),
                     source});
            }
        };
        say(alpha, "alpha_dropped", "had an alpha channel, which was dropped.");
        say(deep, "depth_reduced", "had 16 bits per value; the upper 8 are used.");
        say(stray, "stray_bytes", "held bytes between JPEG segments that belong to nothing.");
    }
};

} // namespace

int channelsFor(const DataRecipe& recipe, std::span<const ImageInfo> infos)
{
    constexpr int kGrey = 1;
    constexpr int kColour = 3;
    if (recipe.color != "auto") {
        return recipe.color == "grey" ? kGrey : kColour;
    }
    const bool grey =
        std::ranges::all_of(infos, [](const ImageInfo& info) { return info.channels == kGrey; });
    return grey ? kGrey : kColour;
}

Result<void> forEachInOrder(std::size_t count, const ReadContext& context,
                            const std::function<Result<void>(std::size_t)>& body)
{
    std::mutex mutex;
    std::optional<Error> failure;
    std::atomic<std::size_t> failedAt{count};
    Parallel pool(context.threads);
    pool.forEach(count, [&](std::size_t i, int /*worker*/) {
        if (context.job.stop.stop_requested() || i > failedAt) {
            return;
        }
        if (auto ok = body(i); !ok) {
            const std::lock_guard lock(mutex);
            if (i < failedAt) {
                failedAt = i;
                failure = std::move(ok).error();
            }
        }
        context.job.add(1);
    });
    if (auto ok = context.job.proceed(); !ok) {
        return ok;
    }
    if (failure) {
        return fail(std::move(*failure));
    }
    return {};
}

Result<Array> decodeImages(const ImageList& images, int channels, const DataRecipe& recipe,
                           const ReadContext& context, Warnings& warnings)
{
    const std::size_t count = images.infos.size();
    const auto common = commonSize(images, recipe, context.glance, warnings);
    if (!common) {
        return fail(Error(common.error()));
    }
    const ImageSize size = common->size;
    Array array{"uint8", {static_cast<Index>(count), size.height, size.width, channels}, {}, {}};
    if (auto ok = checkMemory(array.shape, recipe.source); !ok) {
        return fail(std::move(ok).error());
    }
    const auto pixels = static_cast<std::size_t>(size.height * size.width * channels);
    array.values.resize(count * pixels);
    Tally tally;
    context.job.begin(static_cast<std::int64_t>(count), "images");
    const ReadContext bounded{context.job, threadsFor(images, channels, context.threads),
                              context.glance};
    auto ok = forEachInOrder(count, bounded, [&](std::size_t i) -> Result<void> {
        const std::string name = images.name(i);
        auto bytes = images.read(i);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
        const auto image = decodeImage(*bytes, channels, name);
        if (!image) {
            return fail(Error(image.error()));
        }
        const std::span<float> out(array.values.data() + i * pixels, pixels);
        if (common->resized) {
            resizeBilinear(*image, size.height, size.width, out);
        } else if (image->pixels.size() != pixels) {
            return fail(ErrorCode::CorruptFile, "The image changed while it was read.", name);
        } else {
            std::ranges::copy(image->pixels, out.begin());
        }
        tally.count(*image);
        return {};
    });
    if (!ok) {
        return fail(std::move(ok).error());
    }
    tally.tell(recipe.source, warnings);
    return array;
}

} // namespace bitscape::io
