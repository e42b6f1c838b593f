// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// TensorFlow's records and the tf.train.Example inside them. All views look into the given bytes.
namespace bitscape::io {

/// CRC-32C (Castagnoli), rotated and shifted as TFRecord stores it.
[[nodiscard]] std::uint32_t maskedCrc32c(std::string_view bytes);

struct TfRecordSpan {
    std::size_t at = 0;   ///< first byte of the record's data
    std::size_t size = 0; ///< of the data
};

/// Where the records of a file lie. The sums of the lengths are checked, those of the data are
/// checkRecord()'s. CorruptFile names the byte. With `mayEnd` the bytes are the start of a longer
/// file: a last record that is cut is left out.
[[nodiscard]] Result<std::vector<TfRecordSpan>>
findRecords(std::string_view bytes, const std::string& where, bool mayEnd = false);
/// The data of a record, its sum checked.
[[nodiscard]] Result<std::string_view> recordData(std::string_view bytes, const TfRecordSpan& span,
                                                  const std::string& where);

/// Values of a feature; at most one of the lists is filled.
struct TfFeature {
    enum class Kind { Empty, Bytes, Floats, Integers };
    Kind kind = Kind::Empty;
    std::vector<std::string_view> bytes;
    std::vector<float> floats;
    std::vector<std::int64_t> integers;

    [[nodiscard]] std::size_t count() const
    {
        return bytes.size() + floats.size() + integers.size();
    }
};

/// Names and undecoded features of an Example, in file order. CorruptFile: no well-formed message,
/// or a SequenceExample, whose lists have no fixed length.
using TfFeatures = std::vector<std::pair<std::string_view, std::string_view>>;
[[nodiscard]] Result<TfFeatures> parseExample(std::string_view data, const std::string& where);
[[nodiscard]] Result<TfFeature> parseFeature(std::string_view data, const std::string& where);

} // namespace bitscape::io
