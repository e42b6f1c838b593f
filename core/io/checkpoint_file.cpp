// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/checkpoint_file.h"

#include "core/base/text.h"
#include "core/io/array_file.h"
#include "core/io/bytes.h"

#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

namespace bitscape::io {

namespace {

constexpr std::string_view kMagic = "bitscape checkpoint ";
constexpr std::string_view kVersion = "1\n";
constexpr std::size_t kDigest = 64; // hexadecimal digits of SHA-256

class Writer {
public:
    template <class T>
    requires std::is_arithmetic_v<T>
    void pass(T& value) { m_out.number(value); }
    void pass(std::string& value) { m_out.text(value); }
    void pass(std::optional<double>& value)
    {
        bool isThere = value.has_value();
        double number = value.value_or(0.0);
        pass(isThere);
        pass(number);
    }
    void pass(Tensor& tensor)
    {
        m_out.number(static_cast<std::uint32_t>(tensor.shape().rank()));
        for (const Index size : tensor.shape().sizes()) {
            m_out.number<std::int64_t>(size);
        }
        m_out.raw(tensor.data(), tensor.values().size_bytes());
    }
    template <class T>
    std::size_t count(std::vector<T>& list)
    {
        m_out.number<std::uint64_t>(list.size());
        return list.size();
    }
    [[nodiscard]] std::string finish() { return m_out.finish(); }

private:
    ByteWriter m_out;
};

/// Every read is checked against what is left; after a failed one isGood() is false.
class Reader {
public:
    explicit Reader(std::string_view bytes) : m_in(bytes) {}

    template <class T>
    requires std::is_arithmetic_v<T>
    void pass(T& value) { value = got(m_in.number<T>()); }
    void pass(bool& value) { value = got(m_in.number<std::uint8_t>()) != 0; }
    void pass(std::string& value) { value = got(m_in.text()); }
    void pass(std::optional<double>& value)
    {
        bool isThere = false;
        double number = 0;
        pass(isThere);
        pass(number);
        value = isThere ? std::optional(number) : std::nullopt;
    }
    void pass(Tensor& tensor)
    {
        const auto rank = got(m_in.number<std::uint32_t>());
        std::vector<Index> sizes;
        std::size_t count = 1;
        for (std::uint32_t axis = 0; axis < rank && axis < Shape::kMaxRank; ++axis) {
            const auto size = got(m_in.number<std::int64_t>());
            m_isGood = m_isGood && size >= 0 && static_cast<std::size_t>(size) <= m_in.left();
            sizes.push_back(m_isGood ? static_cast<Index>(size) : 0);
            count *= static_cast<std::size_t>(sizes.back());
            m_isGood = m_isGood && count <= m_in.left() / sizeof(float);
        }
        m_isGood = m_isGood && rank <= Shape::kMaxRank;
        const auto bytes = m_isGood ? m_in.take(count * sizeof(float)) : std::nullopt;
        m_isGood = bytes.has_value();
        if (m_isGood) {
            tensor = Tensor(Shape(sizes));
            std::memcpy(tensor.data(), bytes->data(), bytes->size());
        }
    }
    template <class T>
    std::size_t count(std::vector<T>& list)
    {
        const auto size = got(m_in.number<std::uint64_t>());
        m_isGood = m_isGood && size <= m_in.left();
        list.resize(m_isGood ? static_cast<std::size_t>(size) : 0);
        return list.size();
    }
    [[nodiscard]] bool isGood() const { return m_isGood; }
    [[nodiscard]] bool isAtEnd() const { return m_in.left() == 0; }

private:
    template <class T>
    T got(std::optional<T> value)
    {
        m_isGood = m_isGood && value.has_value();
        return value ? std::move(*value) : T();
    }

    ByteReader m_in;
    bool m_isGood = true;
};

template <class Archive>
void pass(Archive& archive, train::HistoryEntry& entry)
{
    archive.pass(entry.epoch);
    archive.pass(entry.step);
    archive.pass(entry.loss);
    archive.pass(entry.accuracy);
    archive.pass(entry.validationLoss);
    archive.pass(entry.validationAccuracy);
}

template <class Archive>
void pass(Archive& archive, std::vector<Tensor>& tensors)
{
    const std::size_t count = archive.count(tensors);
    for (std::size_t i = 0; i < count; ++i) {
        archive.pass(tensors[i]);
    }
}

/// Writes or reads, whatever the archive does: the order stands here once.
template <class Archive>
void pass(Archive& archive, train::TrainState& state)
{
    std::int64_t position = state.position;
    std::int64_t seen = state.mean.count;
    archive.pass(state.origin);
    archive.pass(state.epoch);
    archive.pass(position);
    archive.pass(state.mean.loss);
    archive.pass(state.mean.hits);
    archive.pass(seen);
    state.position = static_cast<Index>(position);
    state.mean.count = static_cast<Index>(seen);
    pass(archive, state.entry);
    pass(archive, state.weights);
    archive.pass(state.optimizer.steps);
    pass(archive, state.optimizer.slots);
    pass(archive, state.optimizer.averages);
    const std::size_t entries = archive.count(state.history);
    for (std::size_t i = 0; i < entries; ++i) {
        pass(archive, state.history[i]);
    }
    archive.pass(state.best);
    archive.pass(state.worseEpochs);
    pass(archive, state.bestWeights);
    archive.pass(state.isOver);
}

} // namespace

std::string checkpointBytes(const train::TrainState& state)
{
    train::TrainState copy = state; // an archive may write to what it passes
    Writer writer;
    pass(writer, copy);
    const std::string content = writer.finish();
    return std::string(kMagic) + std::string(kVersion) + sha256(content) + content;
}

Result<train::TrainState> parseCheckpoint(std::string_view bytes, const std::string& where)
{
    if (!bytes.starts_with(kMagic)) {
        return fail(ErrorCode::CorruptFile, "This is no checkpoint of a training.", where);
    }
    bytes.remove_prefix(kMagic.size());
    if (!bytes.starts_with(kVersion)) {
        return fail(ErrorCode::VersionTooNew,
                    "The checkpoint was written by another version of the program.", where);
    }
    bytes.remove_prefix(kVersion.size());
    const std::string_view digest = bytes.substr(0, kDigest);
    const std::string_view content = bytes.size() < kDigest ? "" : bytes.substr(kDigest);
    if (digest != sha256(content)) {
        return fail(ErrorCode::CorruptFile, "The checkpoint is damaged: its checksum is wrong.",
                    where);
    }
    Reader reader(content);
    train::TrainState state;
    pass(reader, state);
    if (!reader.isGood() || !reader.isAtEnd()) {
        return fail(ErrorCode::CorruptFile, "The checkpoint is damaged.", where);
    }
    return state;
}

Result<void> saveCheckpoint(const std::string& path, const train::TrainState& state)
{
    return writeFileAtomically(path, checkpointBytes(state));
}

Result<train::TrainState> loadCheckpoint(const std::string& path)
{
    auto bytes = readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return parseCheckpoint(*bytes, path);
}

} // namespace bitscape::io
