// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <stdexcept>

namespace bitscape {
namespace {

TEST(ShapeTest, CountsPrintsAndCompares)
{
    const Shape image{32, 24, 3};
    EXPECT_EQ(image.elementCount(), 2304);
    EXPECT_EQ(image.channels(), 3);
    EXPECT_EQ(image.toString(), "32×24×3");
    EXPECT_EQ(image.batchOf(5), (Shape{5, 32, 24, 3}));
    EXPECT_EQ(image.batchOf(5).sample(), image);
    EXPECT_FALSE(image == (Shape{32, 24}));
    EXPECT_EQ(Shape().elementCount(), 1);
    EXPECT_EQ(Shape().toString(), "scalar");
    EXPECT_EQ((Shape{4, 0, 2}).elementCount(), 0);
    EXPECT_THROW((Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}), std::logic_error);
    EXPECT_THROW((void)Shape().sample(), std::logic_error);
}

TEST(TensorTest, OwnsAlignedZeros)
{
    const Tensor tensor(Shape{3, 5});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64, 0U);
    for (const float value : tensor.values()) {
        EXPECT_EQ(value, 0.0F);
    }
    EXPECT_EQ(Tensor().size(), 0);
    EXPECT_THROW(Tensor(Shape{2}, std::vector<float>{1.0F}), std::logic_error);
}

TEST(TensorTest, CopiesAreDeep)
{
    Tensor first(Shape{2}, std::vector<float>{1.0F, 2.0F});
    Tensor second = first;
    second.values()[0] = 5.0F;
    EXPECT_EQ(first.values()[0], 1.0F);
    EXPECT_FALSE(first == second);
    first = second;
    EXPECT_EQ(first, second);
    first = first; // NOLINT(misc-redundant-expression): self-assignment must do no harm
    EXPECT_EQ(first.values()[0], 5.0F);
}

TEST(TensorTest, RowsAreViews)
{
    Tensor tensor(Shape{4, 2, 3});
    for (Index i = 0; i < tensor.size(); ++i) {
        tensor.data()[i] = static_cast<float>(i);
    }
    const TensorView rows = tensor.view().rows(1, 2);
    EXPECT_EQ(rows.shape, (Shape{2, 2, 3}));
    EXPECT_EQ(rows.values()[0], 6.0F);
    tensor.mutableView().rows(1, 1).values()[0] = 9.0F;
    EXPECT_EQ(rows.values()[0], 9.0F);
}

} // namespace
} // namespace bitscape
