// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>

namespace bitscape {

using Index = std::ptrdiff_t;

/// Sizes of a tensor, outermost first. At most kMaxRank dimensions, each ≥ 0. Row-major everywhere:
/// images are N×H×W×C, sequences N×T×C.
class Shape {
public:
    static constexpr int kMaxRank = 8;

    Shape() = default;
    Shape(std::initializer_list<Index> sizes);
    /// sizes.size() ≤ kMaxRank (ensured).
    explicit Shape(std::span<const Index> sizes);

    [[nodiscard]] int rank() const { return m_rank; }
    [[nodiscard]] Index operator[](int axis) const
    {
        return m_sizes[static_cast<std::size_t>(axis)];
    }
    Index& operator[](int axis) { return m_sizes[static_cast<std::size_t>(axis)]; }
    [[nodiscard]] std::span<const Index> sizes() const
    {
        return {m_sizes.data(), static_cast<std::size_t>(m_rank)};
    }
    /// Product of all sizes; 1 for rank 0.
    [[nodiscard]] Index elementCount() const;
    /// Size of the last axis; 1 for rank 0.
    [[nodiscard]] Index channels() const { return m_rank == 0 ? 1 : (*this)[m_rank - 1]; }

    /// count × this shape.
    [[nodiscard]] Shape batchOf(Index count) const;
    /// This shape without its first axis; rank ≥ 1 (ensured).
    [[nodiscard]] Shape sample() const;

    /// "32×32×3"; "scalar" for rank 0.
    [[nodiscard]] std::string toString() const;
    bool operator==(const Shape& other) const;

private:
    std::array<Index, kMaxRank> m_sizes{};
    int m_rank = 0;
};

/// Looks at float32 values that another owns; row-major, contiguous.
struct TensorView {
    const float* data = nullptr;
    Shape shape;

    [[nodiscard]] Index size() const { return shape.elementCount(); }
    [[nodiscard]] std::span<const float> values() const
    {
        return {data, static_cast<std::size_t>(size())};
    }
    /// Rows first … first+count−1 of the outermost axis.
    [[nodiscard]] TensorView rows(Index first, Index count) const;
};

struct MutableTensorView {
    float* data = nullptr;
    Shape shape;

    [[nodiscard]] Index size() const { return shape.elementCount(); }
    [[nodiscard]] std::span<float> values() const
    {
        return {data, static_cast<std::size_t>(size())};
    }
    [[nodiscard]] MutableTensorView rows(Index first, Index count) const;
    operator TensorView() const { return {data, shape}; } // NOLINT(google-explicit-constructor)
};

/// Frees memory from allocateFloats().
struct FloatDeleter {
    void operator()(float* data) const;
};
using FloatBuffer = std::unique_ptr<float[], FloatDeleter>;
/// Zeroed, aligned to 64 bytes.
[[nodiscard]] FloatBuffer allocateFloats(Index count);

/// Owns float32 values, row-major, contiguous, 64-byte aligned. Copies are deep.
class Tensor {
public:
    Tensor() = default;
    /// All zero.
    explicit Tensor(const Shape& shape);
    /// Copies the values; their count must be the shape's (ensured).
    Tensor(const Shape& shape, std::span<const float> values);
    Tensor(const Tensor& other);
    Tensor& operator=(const Tensor& other);
    Tensor(Tensor&&) noexcept = default;
    Tensor& operator=(Tensor&&) noexcept = default;
    ~Tensor() = default;

    [[nodiscard]] const Shape& shape() const { return m_shape; }
    [[nodiscard]] Index size() const { return m_shape.elementCount(); }
    [[nodiscard]] const float* data() const { return m_data.get(); }
    float* data() { return m_data.get(); }
    [[nodiscard]] std::span<const float> values() const { return view().values(); }
    std::span<float> values() { return mutableView().values(); }
    [[nodiscard]] TensorView view() const { return {m_data.get(), m_shape}; }
    MutableTensorView mutableView() { return {m_data.get(), m_shape}; }

    bool operator==(const Tensor& other) const;

private:
    Shape m_shape{0};
    FloatBuffer m_data;
};

using TensorPtr = std::shared_ptr<const Tensor>;

} // namespace bitscape
