// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/convolution.h"
#include "core/tensor/kernels/kernels.h"
#include "core/tensor/tensor.h"

#include <memory>

namespace bitscape::graph {

/// Rows of floats in memory: row `step` of `sample` starts at data + sample·samplePitch +
/// steps[step]. They are counted sample by sample.
template <class Float>
struct RowSet {
    Float* data = nullptr;
    Index samples = 0;
    Index samplePitch = 0;
    const Index* steps = &kFirst;
    Index stepCount = 1;

    [[nodiscard]] Index count() const { return samples * stepCount; }

    static constexpr Index kFirst = 0;
};
using Rows = RowSet<const float>;
using MutableRows = RowSet<float>;

/// Some columns of a weight matrix as a map of rows: y = x·W, its gradients. Thread: any (const
/// methods); pack() with no call in flight.
class RowMap {
public:
    RowMap() = default;
    /// Columns first … first+columns−1 of a matrix of depth × pitch.
    RowMap(Index depth, Index columns, Index pitch, Index first)
        : m_depth(depth), m_columns(columns), m_pitch(pitch), m_first(first),
          m_packed(Shape{kernels::packedSize(depth, columns)})
    {
    }

    /// Makes room for what the gradient of the rows needs.
    void prepareTraining()
    {
        m_packedBack = Tensor(Shape{kernels::packedSize(m_columns, m_depth)});
    }
    void pack(const float* matrix)
    {
        const float* own = matrix + m_first;
        kernels::pack(own, m_pitch, 1, 0, m_depth, m_depth, m_columns, m_packed.data());
        if (m_packedBack.size() > 0) {
            kernels::pack(own, 1, m_pitch, 0, m_columns, m_columns, m_depth, m_packedBack.data());
        }
    }

    /// y (+)= x·W + bias; as many rows on both sides.
    void apply(const Rows& x, const MutableRows& y, const float* bias, bool adds) const
    {
        multiply(x, m_depth, m_packed, m_columns, {.bias = bias, .adds = adds}, y);
    }
    /// dx (+)= dy·Wᵀ.
    void applyBack(const Rows& dy, const MutableRows& dx, bool adds) const
    {
        multiply(dy, m_columns, m_packedBack, m_depth, {.adds = adds}, dx);
    }
    /// The map's columns of dW (+)= xᵀ·dy; `matrix` as in pack().
    void gradient(const Rows& x, const Rows& dy, float* matrix, bool adds) const
    {
        kernels::multiplyTransposed(gather(x, m_depth), 0, x.count(),
                                    {dy.data, dy.samplePitch, dy.steps}, m_columns, 0, m_depth,
                                    matrix + m_first, m_pitch, adds);
    }

private:
    static kernels::Gather gather(const Rows& rows, Index length)
    {
        return {.data = rows.data,
                .imagePitch = rows.samplePitch,
                .rows = rows.steps,
                .rowCount = rows.stepCount,
                .segments = &Rows::kFirst,
                .segmentCount = 1,
                .segmentLength = length};
    }
    static void multiply(const Rows& x, Index depth, const Tensor& packed, Index columns,
                         const kernels::Finish& finish, const MutableRows& y)
    {
        kernels::multiply(gather(x, depth), 0, x.count(), packed.data(), columns, finish,
                          {y.data, y.samplePitch, y.steps});
    }

    Index m_depth = 0, m_columns = 0, m_pitch = 0, m_first = 0;
    Tensor m_packed, m_packedBack;
};

/// A linear map from rows to rows with the whole of a kernel, whatever its kind.
class StepMap {
public:
    StepMap() = default;
    virtual ~StepMap() = default;
    StepMap(const StepMap&) = delete;
    StepMap& operator=(const StepMap&) = delete;
    StepMap(StepMap&&) = delete;
    StepMap& operator=(StepMap&&) = delete;

    [[nodiscard]] virtual Index kernelSize() const = 0;
    /// Floats that the calls below need beside their arguments.
    [[nodiscard]] virtual Index scratchFloats() const = 0;
    virtual void prepareTraining() = 0;
    virtual void pack(const float* kernel) = 0;
    /// y (+)= map of x, plus the bias.
    virtual void apply(const Rows& x, const MutableRows& y, const float* bias, bool adds,
                       float* scratch) const = 0;
    virtual void applyBack(const Rows& dy, const MutableRows& dx, bool adds,
                           float* scratch) const = 0;
    virtual void gradient(const Rows& x, const Rows& dy, float* kernel, bool adds,
                          float* scratch) const = 0;
};

/// A row is a vector, the kernel a matrix of depth × columns.
[[nodiscard]] std::unique_ptr<StepMap> makeDenseMap(Index depth, Index columns);
/// A row is an image.
[[nodiscard]] std::unique_ptr<StepMap> makeImageMap(std::unique_ptr<const Convolution> convolution);

} // namespace bitscape::graph
