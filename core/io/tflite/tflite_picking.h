// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/tflite/tflite_builder.h"

#include <string>
#include <vector>

// What operators that move values share.
namespace bitscape::io {

using Indices = std::vector<Index>;

/// 0 … size − 1
[[nodiscard]] Indices allIndices(std::int64_t size);

/// Chosen indices along the axes of a source, by axes of the file; all of them at first.
class Picking {
public:
    Picking(OperatorReading& reading, TfliteSource source);

    /// −1: zeros in that place.
    void set(std::size_t axis, Indices picks);
    /// The layer; where the batch is touched the first axis must be one that can be.
    [[nodiscard]] TfliteSource layer(const std::string& role = {});

private:
    OperatorReading& m_reading;
    TfliteSource m_source;
    std::vector<Indices> m_picks;
};

/// Axis of the input's tensor, from the end if negative.
[[nodiscard]] std::size_t axisOf(OperatorReading& reading, std::int64_t axis, std::size_t rank);
/// The axes of a sample in another order.
[[nodiscard]] TfliteSource permuted(OperatorReading& reading, const TfliteSource& data,
                                    const std::vector<Index>& order, const std::string& role);

} // namespace bitscape::io
