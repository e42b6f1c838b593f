// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/tensor.h"

#include "core/base/error.h"
#include "core/tensor/float_memory.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace bitscape {

Shape::Shape(std::initializer_list<Index> sizes)
    : Shape(std::span<const Index>(sizes.begin(), sizes.size()))
{
}

Shape::Shape(std::span<const Index> sizes) : m_rank(static_cast<int>(sizes.size()))
{
    ensure(sizes.size() <= kMaxRank, "Shape: more axes than kMaxRank");
    std::copy(sizes.begin(), sizes.end(), m_sizes.begin());
}

Index Shape::elementCount() const
{
    Index count = 1;
    for (const Index size : sizes()) {
        count *= size;
    }
    return count;
}

Shape Shape::batchOf(Index count) const
{
    ensure(m_rank < kMaxRank, "Shape: more axes than kMaxRank");
    Shape out;
    out.m_rank = m_rank + 1;
    out.m_sizes[0] = count;
    std::copy_n(m_sizes.begin(), m_rank, out.m_sizes.begin() + 1);
    return out;
}

Shape Shape::sample() const
{
    ensure(m_rank >= 1, "Shape: a scalar has no samples");
    return Shape(sizes().subspan(1));
}

std::string Shape::toString() const
{
    if (m_rank == 0) {
        return "scalar";
    }
    std::string text;
    for (const Index size : sizes()) {
        text += (text.empty() ? "" : "×") + std::to_string(size);
    }
    return text;
}

bool Shape::operator==(const Shape& other) const
{
    return std::ranges::equal(sizes(), other.sizes());
}

TensorView TensorView::rows(Index first, Index count) const
{
    const Shape row = shape.sample();
    return {data + first * row.elementCount(), row.batchOf(count)};
}

MutableTensorView MutableTensorView::rows(Index first, Index count) const
{
    const Shape row = shape.sample();
    return {data + first * row.elementCount(), row.batchOf(count)};
}

namespace {

constexpr std::size_t kAlignment = 64;

// Before every buffer lies a cache line with its size.
struct Header {
    std::size_t bytes; ///< of header and buffer
};

std::atomic<Index> g_inUse{0};
std::atomic<Index> g_peak{0};
thread_local Index t_inUse = 0;

void note(Index bytes)
{
    t_inUse += bytes;
    const Index now = g_inUse.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    Index peak = g_peak.load(std::memory_order_relaxed);
    while (now > peak && !g_peak.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
    }
}

} // namespace

Index FloatMemory::ofThisThread()
{
    return t_inUse;
}

Index FloatMemory::inUse()
{
    return g_inUse.load(std::memory_order_relaxed);
}

Index FloatMemory::peak()
{
    return g_peak.load(std::memory_order_relaxed);
}

void FloatMemory::restartPeak()
{
    g_peak.store(inUse(), std::memory_order_relaxed);
}

void FloatDeleter::operator()(float* data) const
{
    auto* header = reinterpret_cast<Header*>(reinterpret_cast<std::byte*>(data) - kAlignment);
    note(-static_cast<Index>(header->bytes));
    std::free(header); // NOLINT(cppcoreguidelines-no-malloc): pairs with aligned_alloc
}

FloatBuffer allocateFloats(Index count)
{
    const std::size_t bytes = static_cast<std::size_t>(std::max<Index>(count, 1)) * sizeof(float);
    const std::size_t padded = (bytes + 2 * kAlignment - 1) / kAlignment * kAlignment;
    void* block = std::aligned_alloc(kAlignment, padded);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    ::new (block) Header{padded};
    note(static_cast<Index>(padded));
    auto* data = reinterpret_cast<float*>(static_cast<std::byte*>(block) + kAlignment);
    std::fill_n(data, (padded - kAlignment) / sizeof(float), 0.0F);
    return FloatBuffer(data);
}

Tensor::Tensor(const Shape& shape) : m_shape(shape), m_data(allocateFloats(shape.elementCount())) {}

Tensor::Tensor(const Shape& shape, std::span<const float> values) : Tensor(shape)
{
    ensure(static_cast<Index>(values.size()) == size(), "Tensor: values do not fill the shape");
    std::ranges::copy(values, m_data.get());
}

Tensor::Tensor(const Tensor& other) : m_shape(other.m_shape)
{
    if (other.m_data) {
        m_data = allocateFloats(size());
        std::ranges::copy(other.values(), m_data.get());
    }
}

Tensor& Tensor::operator=(const Tensor& other)
{
    if (this != &other) {
        *this = Tensor(other);
    }
    return *this;
}

bool Tensor::operator==(const Tensor& other) const
{
    return m_shape == other.m_shape && std::ranges::equal(values(), other.values());
}

} // namespace bitscape
