// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/row_map.h"

#include <utility>

namespace bitscape::graph {

namespace {

class DenseMap final : public StepMap {
public:
    DenseMap(Index depth, Index columns)
        : m_size(depth * columns), m_map(depth, columns, columns, 0)
    {
    }

    Index kernelSize() const override { return m_size; }
    Index scratchFloats() const override { return 0; }
    void prepareTraining() override { m_map.prepareTraining(); }
    void pack(const float* kernel) override { m_map.pack(kernel); }
    void apply(const Rows& x, const MutableRows& y, const float* bias, bool adds,
               float* /*scratch*/) const override
    {
        m_map.apply(x, y, bias, adds);
    }
    void applyBack(const Rows& dy, const MutableRows& dx, bool adds,
                   float* /*scratch*/) const override
    {
        m_map.applyBack(dy, dx, adds);
    }
    void gradient(const Rows& x, const Rows& dy, float* kernel, bool adds,
                  float* /*scratch*/) const override
    {
        m_map.gradient(x, dy, kernel, adds);
    }

private:
    Index m_size;
    RowMap m_map;
};

class ImageMap final : public StepMap {
public:
    explicit ImageMap(std::unique_ptr<const Convolution> convolution)
        : m_convolution(std::move(convolution)), m_packed(Shape{m_convolution->packedSize()})
    {
    }

    Index kernelSize() const override { return m_convolution->kernelSize(); }
    Index scratchFloats() const override { return m_convolution->scratchSize(); }
    void prepareTraining() override
    {
        m_packedBack = Tensor(Shape{m_convolution->packedGradientSize()});
    }
    void pack(const float* kernel) override
    {
        m_convolution->pack(kernel, m_packed.data());
        if (m_packedBack.size() > 0) {
            m_convolution->packGradient(kernel, m_packedBack.data());
        }
    }
    void apply(const Rows& x, const MutableRows& y, const float* bias, bool adds,
               float* scratch) const override
    {
        forEach(x, y, [&](const float* image, float* result) {
            m_convolution->forward(image, 1, m_packed.data(), {.bias = bias, .adds = adds}, result,
                                   scratch);
        });
    }
    void applyBack(const Rows& dy, const MutableRows& dx, bool adds, float* scratch) const override
    {
        forEach(dy, dx, [&](const float* image, float* result) {
            m_convolution->inputGradient(image, 1, m_packedBack.data(), result, adds, scratch);
        });
    }
    void gradient(const Rows& x, const Rows& dy, float* kernel, bool adds,
                  float* scratch) const override
    {
        forEach(x, dy, [&](const float* image, const float* upstream) {
            m_convolution->weightGradient(image, upstream, 1, kernel, adds, scratch);
            adds = true;
        });
    }

private:
    template <class First, class Second, class Visit>
    static void forEach(const RowSet<First>& a, const RowSet<Second>& b, const Visit& visit)
    {
        for (Index s = 0; s < a.samples; ++s) {
            for (Index t = 0; t < a.stepCount; ++t) {
                visit(a.data + s * a.samplePitch + a.steps[t],
                      b.data + s * b.samplePitch + b.steps[t]);
            }
        }
    }

    std::unique_ptr<const Convolution> m_convolution;
    Tensor m_packed, m_packedBack;
};

} // namespace

std::unique_ptr<StepMap> makeDenseMap(Index depth, Index columns)
{
    return std::make_unique<DenseMap>(depth, columns);
}

std::unique_ptr<StepMap> makeImageMap(std::unique_ptr<const Convolution> convolution)
{
    return std::make_unique<ImageMap>(std::move(convolution));
}

} // namespace bitscape::graph
