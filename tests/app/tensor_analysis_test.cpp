// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/tensor_analysis.h"
#include "core/quant/quantizer.h"
#include "tests/app/support.h"

#include <QTest>

#include <cmath>
#include <numeric>

using namespace bitscape;
using namespace bitscape::app;

namespace {

graph::Layer layerOf(const Tensor& values)
{
    graph::Layer layer;
    layer.name = "conv";
    layer.weights.push_back({"kernel", "", std::make_shared<const Tensor>(values), true});
    return layer;
}

double total(const std::vector<double>& counts)
{
    return std::accumulate(counts.begin(), counts.end(), 0.0);
}

} // namespace

class TensorAnalysisTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void countsEveryValueOnce()
    {
        Rng rng(1);
        Tensor values(Shape{3, 3, 4, 8});
        for (float& v : values.values()) {
            v = static_cast<float>(rng.normal());
        }
        const auto quantizer = *quant::parseQuantizer("quantized_bits(4,0,1,alpha='auto')");
        const TensorAnalysis a = analyzeWeight(layerOf(values), 0, values.view(), quantizer.get());
        QCOMPARE(total(a.values.counts), static_cast<double>(values.size()));
        double levels = 0.0;
        for (const auto& [value, count] : a.levels) {
            levels += count;
        }
        QCOMPARE(levels, static_cast<double>(values.size()));
        QCOMPARE(a.channelScales.size(), std::size_t{8});
        QVERIFY(a.sqnrDb > 10.0 && a.sqnrDb < 40.0);
        QVERIFY(a.usedLevels <= 15);
        QVERIFY(a.effectiveBits > 1.0 && a.effectiveBits <= 4.0);
    }

    void clippingIsMoreThanHalfAStep()
    {
        // The grid of 3 bits in [-1, 1): steps of a quarter, largest level 0.75.
        const std::vector<float> raw{0.0F, 0.1F, 0.74F, 0.88F, 3.0F, -0.75F, -0.87F, -2.0F};
        const Tensor values(Shape{8}, raw);
        const auto quantizer = *quant::parseQuantizer("quantized_bits(3,0,1,alpha=1.0)");
        const TensorAnalysis a = analyzeWeight(layerOf(values), 0, values.view(), quantizer.get());
        QCOMPARE(a.clippedShare, 3.0 / 8.0); // 0.88, 3 and −2: further than 0.125 from their level
        QCOMPARE(a.zeroShare, 2.0 / 8.0);
        QCOMPARE(a.step, 0.25);
        QCOMPARE(a.largestError, 2.25);
    }

    void floatHasNoError()
    {
        const std::vector<float> raw{1.0F, -2.0F, 0.0F};
        const Tensor values(Shape{3}, raw);
        const TensorAnalysis a = analyzeWeight(layerOf(values), 0, values.view(), nullptr);
        QCOMPARE(a.bits, 32);
        QVERIFY(std::isinf(a.sqnrDb));
        QCOMPARE(a.clippedShare, 0.0);
        QCOMPARE(a.minimum, -2.0);
    }

    void degenerateTensors()
    {
        const auto quantizer = *quant::parseQuantizer("quantized_bits(4,0,1,alpha='auto')");
        const Tensor zeros(Shape{2, 3});
        const TensorAnalysis a = analyzeWeight(layerOf(zeros), 0, zeros.view(), quantizer.get());
        QCOMPARE(total(a.values.counts), 6.0);
        QCOMPARE(a.zeroShare, 1.0);
        const Tensor empty(Shape{0, 3});
        QCOMPARE(analyzeWeight(layerOf(empty), 0, empty.view(), quantizer.get()).count, Index{0});
        const std::vector<float> raw{0.5F};
        const Tensor one(Shape{1}, raw);
        QCOMPARE(total(analyzeWeight(layerOf(one), 0, one.view(), nullptr).values.counts), 1.0);
    }
};

QTEST_GUILESS_MAIN(TensorAnalysisTest)
#include "tensor_analysis_test.moc"
