// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_picking.h"

#include "core/graph/layers/pick.h"

#include <algorithm>
#include <numeric>

namespace bitscape::io {

Indices allIndices(std::int64_t size)
{
    Indices indices(static_cast<std::size_t>(std::max<std::int64_t>(size, 0)));
    std::iota(indices.begin(), indices.end(), Index{0});
    return indices;
}

Picking::Picking(OperatorReading& reading, TfliteSource source)
    : m_reading(reading), m_source(std::move(source))
{
    for (const std::int64_t size : m_source.sizes) {
        m_picks.push_back(allIndices(size));
    }
}

void Picking::set(std::size_t axis, Indices picks)
{
    constexpr std::size_t kMost = std::size_t{1} << 26;
    if (axis >= m_picks.size() || picks.size() > kMost) {
        m_reading.lacks("it names an axis that its input does not have");
        return;
    }
    m_picks[axis] = std::move(picks);
}

TfliteSource Picking::layer(const std::string& role)
{
    if (!m_reading.isOk()) {
        return {};
    }
    if (m_source.hasBatch && m_picks.front() != allIndices(m_source.sizes.front())) {
        m_source = m_reading.whole(m_source);
    }
    std::vector<Indices> picks(m_picks.begin() + (m_source.hasBatch ? 1 : 0), m_picks.end());
    OperatorReading::LayerParts parts;
    parts.role = role;
    return m_reading.layer(graph::pickOp(std::move(picks)), m_source, std::move(parts));
}

std::size_t axisOf(OperatorReading& reading, std::int64_t axis, std::size_t rank)
{
    const std::int64_t positive = axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis;
    if (positive < 0 || positive >= static_cast<std::int64_t>(rank)) {
        reading.lacks("it names an axis that its input does not have");
        return 0;
    }
    return static_cast<std::size_t>(positive);
}

TfliteSource permuted(OperatorReading& reading, const TfliteSource& data,
                      const std::vector<Index>& order, const std::string& role)
{
    Json dims = Json::array();
    for (const Index axis : order) {
        dims.push_back(axis + 1);
    }
    OperatorReading::LayerParts parts;
    parts.role = role;
    return reading.layer("Permute", {{"dims", std::move(dims)}}, data, std::move(parts));
}

} // namespace bitscape::io
