// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/augment.h"
#include "core/train/feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace bitscape::train {
namespace {

/// 1, 2, 3, … in rows of pixels.
Tensor countingImage(const Shape& shape)
{
    Tensor image(shape);
    for (Index i = 0; i < image.size(); ++i) {
        image.data()[i] = static_cast<float>(i + 1);
    }
    return image;
}

/// What 40 different draws make of a 3×4 image.
std::vector<std::vector<float>> drawn(const std::string& text)
{
    const auto changes = makeAugmentations(text);
    EXPECT_TRUE(changes.has_value()) << text;
    std::vector<std::vector<float>> images;
    for (std::uint64_t seed = 0; changes && seed < 40; ++seed) {
        Tensor image = countingImage(Shape{3, 4, 1});
        Rng rng(seed);
        for (const Augmentation& change : *changes) {
            change(image.mutableView(), rng);
        }
        images.emplace_back(image.values().begin(), image.values().end());
    }
    return images;
}

TEST(Augment, mirrorsSomeImages)
{
    const std::vector<float> original{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const std::vector<float> mirrored{4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9};
    const auto images = drawn("flip");
    EXPECT_THAT(images, testing::Each(testing::AnyOf(original, mirrored)));
    EXPECT_THAT(images, testing::Contains(original));
    EXPECT_THAT(images, testing::Contains(mirrored));
    const std::vector<float> upsideDown{9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4};
    EXPECT_THAT(drawn("flip(horizontal=False,vertical=True)"),
                testing::Each(testing::AnyOf(original, upsideDown)));
}

TEST(Augment, keepsChannelsTogether)
{
    Tensor image = countingImage(Shape{1, 2, 3});
    const auto changes = makeAugmentations("flip");
    for (std::uint64_t seed = 0; image.data()[0] == 1.0F && seed < 100; ++seed) {
        Rng rng(seed);
        changes->front()(image.mutableView(), rng);
    }
    EXPECT_THAT(image.values(), testing::ElementsAre(4, 5, 6, 1, 2, 3));
}

TEST(Augment, movesImagesOverZerosOrTheirBorder)
{
    const std::vector<float> downRight{0, 0, 0, 0, 0, 1, 2, 3, 0, 5, 6, 7};
    EXPECT_THAT(drawn("crop(1)"), testing::Contains(downRight));
    const std::vector<float> repeated{1, 1, 2, 3, 1, 1, 2, 3, 5, 5, 6, 7};
    EXPECT_THAT(drawn("shift(0.4,0.25)"), testing::Contains(repeated));
    for (const auto& image : drawn("shift(0.4,0.25)")) {
        EXPECT_GT(*std::ranges::min_element(image), 0.0F);
    }
}

TEST(Augment, rowsAreDocumentedAndErrorsNamed)
{
    for (const AugmentationInfo& row : augmentations()) {
        EXPECT_FALSE(row.doc.empty());
        EXPECT_TRUE(makeAugmentations(row.name).has_value()) << row.name;
        for (const CallParameter& parameter : row.parameters) {
            EXPECT_FALSE(parameter.doc.empty()) << row.name << ", " << parameter.name;
        }
    }
    EXPECT_EQ(makeAugmentations("flip,crop(2),shift(0.1,0.2)")->size(), 3U);
    EXPECT_TRUE(makeAugmentations("")->empty());
    for (const std::string text : {"flop", "crop(-1)", "flip,", "shift(2)"}) {
        const auto made = makeAugmentations(text);
        ASSERT_FALSE(made.has_value()) << text;
        EXPECT_EQ(made.error().code, ErrorCode::InvalidArgument);
    }
}

Samples labelled(std::vector<std::int64_t> labels)
{
    Samples samples;
    samples.inputs.emplace_back(Shape{static_cast<Index>(labels.size()), 2});
    samples.labels = std::move(labels);
    return samples;
}

TEST(SampleWeights, multiplyTheirOwnWithTheirClass)
{
    Samples samples = labelled({0, 1, 1, 3});
    EXPECT_TRUE(sampleWeights(samples, "")->empty());
    EXPECT_THAT(*sampleWeights(samples, "1:2, 3:0.5"), testing::ElementsAre(1, 2, 2, 0.5));
    EXPECT_THAT(*sampleWeights(samples, "balanced"),
                testing::ElementsAre(testing::FloatEq(4.0F / 3), testing::FloatEq(2.0F / 3),
                                     testing::FloatEq(2.0F / 3), testing::FloatEq(4.0F / 3)));
    samples.weights = {1, 2, 3, 4};
    EXPECT_THAT(*sampleWeights(samples, "3:0.5"), testing::ElementsAre(1, 2, 3, 2));
    for (const std::string text : {"1", "a:1", "1:-1", "1:2:3", "1:x", "equal"}) {
        EXPECT_FALSE(sampleWeights(samples, text).has_value()) << text;
    }
    EXPECT_FALSE(sampleWeights(labelled({}), "0:1").has_value());
}

TEST(BatchFeed, makesTheSameImagesInAnyOrder)
{
    Samples samples = labelled({0, 1, 0, 1});
    samples.inputs = {countingImage(Shape{4, 3, 3, 1})};
    Targets targets;
    targets.labels = samples.labels;
    targets.weights = {1, 2, 3, 4};
    const auto make = [&] {
        return BatchFeed(samples, targets, *makeAugmentations("flip,crop(1)"), 4, 7);
    };
    BatchFeed whole = make();
    BatchFeed parts = make();
    const std::vector<Index> all{0, 1, 2, 3};
    const std::vector<Index> some{3, 1};
    whole.fill(all, 2);
    parts.fill(some, 2);
    EXPECT_THAT(parts.inputs()[0].rows(0, 1).values(),
                testing::ElementsAreArray(whole.inputs()[0].rows(3, 1).values()));
    EXPECT_THAT(parts.inputs()[0].rows(1, 1).values(),
                testing::ElementsAreArray(whole.inputs()[0].rows(1, 1).values()));
    EXPECT_THAT(parts.targets().weights, testing::ElementsAre(4, 2));
    EXPECT_THAT(parts.targets().labels, testing::ElementsAre(1, 1));
}

} // namespace
} // namespace bitscape::train
