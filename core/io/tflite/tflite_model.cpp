// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_model.h"

#include "core/io/tflite/tflite_schema.h"

#include <flatbuffers/flatbuffers.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

namespace bitscape::io {

namespace {

struct TypeRow {
    TfliteType type;
    std::string_view name;
    int bits;
};

constexpr std::array kTypes{
    TypeRow{TfliteType::Float32, "FLOAT32", 32},   TypeRow{TfliteType::Float16, "FLOAT16", 16},
    TypeRow{TfliteType::Int32, "INT32", 32},       TypeRow{TfliteType::UInt8, "UINT8", 8},
    TypeRow{TfliteType::Int64, "INT64", 64},       TypeRow{TfliteType::String, "STRING", 0},
    TypeRow{TfliteType::Bool, "BOOL", 8},          TypeRow{TfliteType::Int16, "INT16", 16},
    TypeRow{TfliteType::Int8, "INT8", 8},          TypeRow{TfliteType::Float64, "FLOAT64", 64},
    TypeRow{TfliteType::UInt64, "UINT64", 64},     TypeRow{TfliteType::UInt32, "UINT32", 32},
    TypeRow{TfliteType::UInt16, "UINT16", 16},     TypeRow{TfliteType::Int4, "INT4", 4},
    TypeRow{TfliteType::BFloat16, "BFLOAT16", 16}, TypeRow{TfliteType::Int2, "INT2", 2},
    TypeRow{TfliteType::UInt4, "UINT4", 4}};

const TypeRow* rowOf(TfliteType type)
{
    const auto row = std::ranges::find(kTypes, type, &TypeRow::type);
    return row == kTypes.end() ? nullptr : &*row;
}

constexpr std::size_t kMaxTables = 1'000'000;
constexpr std::size_t kMaxRank = 7; // with an axis of samples in front: what shapes hold
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;

/// The bytes and what was found wrong with them.
class File {
public:
    explicit File(std::string_view bytes)
        : m_bytes(bytes), m_verifier(data(), bytes.size(), 64, kMaxTables)
    {
    }

    [[nodiscard]] bool isSound() const { return m_sound; }
    bool check(bool condition)
    {
        m_sound = m_sound && condition;
        return condition;
    }
    [[nodiscard]] const std::uint8_t* data() const
    {
        return reinterpret_cast<const std::uint8_t*>(m_bytes.data());
    }
    [[nodiscard]] std::string_view part(const void* from, std::size_t size) const
    {
        return m_bytes.substr(
            static_cast<std::size_t>(static_cast<const std::uint8_t*>(from) - data()), size);
    }
    [[nodiscard]] std::size_t size() const { return m_bytes.size(); }
    [[nodiscard]] flatbuffers::Verifier& verifier() { return m_verifier; }

    /// The table at `at`, if it lies within the file.
    [[nodiscard]] const flatbuffers::Table* table(const std::uint8_t* at)
    {
        const auto* table = reinterpret_cast<const flatbuffers::Table*>(at);
        // Nesting is bounded by what is read, not by what is there.
        return check(table->VerifyTableStart(m_verifier) && m_verifier.EndTable()) ? table
                                                                                   : nullptr;
    }

private:
    std::string_view m_bytes;
    flatbuffers::Verifier m_verifier;
    bool m_sound = true;
};

/// A table within the file. Fields are checked when they are read; what is wrong is remembered by
/// the file and reads as absent.
class CheckedTable {
public:
    CheckedTable(File& file, const flatbuffers::Table* table) : m_file(&file), m_table(table) {}

    [[nodiscard]] bool exists() const { return m_table != nullptr; }
    [[nodiscard]] bool has(int field) const
    {
        return m_table != nullptr && m_table->CheckField(offsetOf(field));
    }

    template <class T>
    [[nodiscard]] T number(int field, T otherwise) const
    {
        if (m_table == nullptr || !m_file->check(m_table->VerifyField<T>(
                                      m_file->verifier(), offsetOf(field), sizeof(T)))) {
            return otherwise;
        }
        return m_table->GetField<T>(offsetOf(field), otherwise);
    }

    [[nodiscard]] CheckedTable table(int field) const
    {
        const std::uint8_t* at = target(field);
        return {*m_file, at == nullptr ? nullptr : m_file->table(at)};
    }

    [[nodiscard]] std::vector<CheckedTable> tables(int field) const
    {
        const auto* offsets = vector<flatbuffers::uoffset_t>(field);
        std::vector<CheckedTable> all;
        for (flatbuffers::uoffset_t i = 0; offsets != nullptr && i < offsets->size(); ++i) {
            const auto* place = offsets->Data() + i * sizeof(flatbuffers::uoffset_t);
            const auto at = static_cast<std::size_t>(place - m_file->data());
            if (!m_file->check(m_file->verifier().VerifyOffset(at) != 0)) {
                return {};
            }
            const auto* found =
                m_file->table(place + flatbuffers::ReadScalar<flatbuffers::uoffset_t>(place));
            if (found == nullptr) {
                return {};
            }
            all.emplace_back(*m_file, found);
        }
        return all;
    }

    template <class T>
    [[nodiscard]] std::vector<T> numbers(int field) const
    {
        const auto* found = vector<T>(field);
        std::vector<T> all(found == nullptr ? 0 : found->size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = found->Get(static_cast<flatbuffers::uoffset_t>(i));
        }
        return all;
    }

    [[nodiscard]] std::string_view bytes(int field) const
    {
        const auto* found = vector<std::uint8_t>(field);
        return found == nullptr ? std::string_view() : m_file->part(found->Data(), found->size());
    }

    [[nodiscard]] std::string text(int field) const { return std::string(bytes(field)); }

private:
    static flatbuffers::voffset_t offsetOf(int field)
    {
        return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(field));
    }
    [[nodiscard]] const std::uint8_t* target(int field) const
    {
        if (m_table == nullptr ||
            !m_file->check(m_table->VerifyOffset(m_file->verifier(), offsetOf(field)))) {
            return nullptr;
        }
        return m_table->GetPointer<const std::uint8_t*>(offsetOf(field));
    }
    template <class T>
    [[nodiscard]] const flatbuffers::Vector<T>* vector(int field) const
    {
        const auto* found = reinterpret_cast<const flatbuffers::Vector<T>*>(target(field));
        return m_file->check(m_file->verifier().VerifyVector(found)) ? found : nullptr;
    }

    File* m_file;
    const flatbuffers::Table* m_table;
};

Failure damaged(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

std::vector<int> indicesOf(const CheckedTable& table, int field)
{
    const auto numbers = table.numbers<std::int32_t>(field);
    return {numbers.begin(), numbers.end()};
}

Json optionsOf(const CheckedTable& table, const schema::OperatorRow& row)
{
    Json options = Json::object();
    for (const schema::Option& option : row.options) {
        Json& value = options[std::string(option.name)];
        switch (option.type) {
        case schema::OptionType::Int8:
            value =
                table.number<std::int8_t>(option.field, static_cast<std::int8_t>(option.otherwise));
            break;
        case schema::OptionType::Int32:
            value = table.number<std::int32_t>(option.field, option.otherwise);
            break;
        case schema::OptionType::Bool:
            value = table.number<std::uint8_t>(option.field,
                                               static_cast<std::uint8_t>(option.otherwise)) != 0;
            break;
        case schema::OptionType::Float:
            value = table.number<float>(option.field, static_cast<float>(option.otherwise));
            break;
        case schema::OptionType::Ints:
            value = table.numbers<std::int32_t>(option.field);
            break;
        }
    }
    return options;
}

/// Reads the tables into the neutral form.
class ModelReader {
public:
    ModelReader(std::string_view bytes, const std::string& where) : m_file(bytes), m_where(where) {}

    Result<TfliteModel> read()
    {
        namespace s = schema;
        if (!m_file.check(m_file.verifier().VerifyBufferFromStart<Root>(nullptr, 0))) {
            return damaged("The FlatBuffer has no root table.", m_where);
        }
        const CheckedTable root(m_file, flatbuffers::GetRoot<flatbuffers::Table>(m_file.data()));
        if (root.number<std::uint32_t>(s::Model::version, 0) != s::kVersion) {
            return fail(ErrorCode::Unsupported, "Only version 3 of the TFLite schema is read.",
                        m_where);
        }
        TfliteModel model;
        model.description = root.text(s::Model::description);
        if (auto ok = readBuffers(root); !ok) {
            return fail(std::move(ok).error());
        }
        m_codes = root.tables(s::Model::operatorCodes);
        for (const CheckedTable& signature : root.tables(s::Model::signatures)) {
            model.signatures.push_back(signature.text(s::Signature::key));
        }
        for (const CheckedTable& entry : root.tables(s::Model::metadata)) {
            model.metadata.push_back(entry.text(s::Metadata::name));
        }
        for (const CheckedTable& subgraph : root.tables(s::Model::subgraphs)) {
            auto one = readSubgraph(subgraph);
            if (!one) {
                return fail(std::move(one).error());
            }
            model.subgraphs.push_back(std::move(*one));
        }
        if (!m_file.isSound()) {
            return damaged("An offset of the FlatBuffer leads outside of the file.", m_where);
        }
        if (model.subgraphs.empty()) {
            return damaged("The file holds no network.", m_where);
        }
        return model;
    }

private:
    /// What VerifyBufferFromStart() wants to know of a root.
    struct Root {
        bool Verify(flatbuffers::Verifier& verifier) const // NOLINT: the library's name
        {
            return reinterpret_cast<const flatbuffers::Table*>(this)->VerifyTableStart(verifier) &&
                   verifier.EndTable();
        }
    };

    [[nodiscard]] Result<void> readBuffers(const CheckedTable& root)
    {
        namespace s = schema;
        for (const CheckedTable& buffer : root.tables(s::Model::buffers)) {
            if (buffer.number<std::uint64_t>(s::Buffer::offset, 0) > 1 ||
                buffer.number<std::uint64_t>(s::Buffer::size, 0) > 1) {
                return fail(ErrorCode::Unsupported,
                            "Buffers of constants lie behind the FlatBuffer (the form for models "
                            "beyond 2 GB), which is not read.",
                            m_where);
            }
            m_buffers.push_back(buffer.bytes(s::Buffer::data));
        }
        if (!root.tables(s::Model::externalBuffers).empty()) {
            return fail(ErrorCode::Unsupported,
                        "Buffers of constants lie in files of their own, which are not read.",
                        m_where);
        }
        return {};
    }

    [[nodiscard]] Result<TfliteSubgraph> readSubgraph(const CheckedTable& table)
    {
        namespace s = schema;
        TfliteSubgraph graph;
        graph.name = table.text(s::SubGraph::name);
        for (const CheckedTable& entry : table.tables(s::SubGraph::tensors)) {
            auto tensor = readTensor(entry, graph.tensors.size());
            if (!tensor) {
                return fail(std::move(tensor).error());
            }
            graph.tensors.push_back(std::move(*tensor));
        }
        graph.inputs = indicesOf(table, s::SubGraph::inputs);
        graph.outputs = indicesOf(table, s::SubGraph::outputs);
        if (!areTensors(graph, graph.inputs, 0) || !areTensors(graph, graph.outputs, 0)) {
            return damaged("An input or output of the network is no tensor.", m_where);
        }
        for (const CheckedTable& entry : table.tables(s::SubGraph::operators)) {
            auto one = readOperator(entry);
            if (!one) {
                return fail(std::move(one).error());
            }
            if (!areTensors(graph, one->inputs, -1) || !areTensors(graph, one->outputs, 0)) {
                return damaged(fmt::format("Operator {} ({}) names a tensor that is not there.",
                                           graph.operators.size(), one->name),
                               m_where);
            }
            graph.operators.push_back(std::move(*one));
        }
        return graph;
    }

    static bool areTensors(const TfliteSubgraph& graph, const std::vector<int>& indices, int least)
    {
        return std::ranges::all_of(indices, [&](int index) {
            return index >= least && index < std::ssize(graph.tensors);
        });
    }

    [[nodiscard]] Result<TfliteTensor> readTensor(const CheckedTable& table, std::size_t number)
    {
        namespace s = schema;
        TfliteTensor tensor;
        tensor.name = table.text(s::Tensor::name);
        if (tensor.name.empty()) {
            tensor.name = fmt::format("tensor_{}", number);
        }
        const std::string place = m_where + ", tensor " + tensor.name;
        tensor.type = static_cast<TfliteType>(table.number<std::int8_t>(s::Tensor::type, 0));
        const auto shape = table.numbers<std::int32_t>(s::Tensor::shape);
        tensor.shape.assign(shape.begin(), shape.end());
        const auto signature = table.numbers<std::int32_t>(s::Tensor::signature);
        tensor.signature.assign(signature.begin(), signature.end());
        if (table.number<std::uint32_t>(s::Tensor::externalBuffer, 0) != 0) {
            return fail(ErrorCode::Unsupported,
                        "Its values lie in a file of their own, which is not read.", place);
        }
        tensor.isVariable = table.number<std::uint8_t>(s::Tensor::isVariable, 0) != 0;
        tensor.isSparse = table.table(s::Tensor::sparsity).exists();
        if (auto ok = readQuantization(table.table(s::Tensor::quantization), tensor, place); !ok) {
            return fail(std::move(ok).error());
        }
        const auto buffer = table.number<std::uint32_t>(s::Tensor::buffer, 0);
        if (buffer >= m_buffers.size() && buffer != 0) {
            return damaged("Its buffer is not there.", place);
        }
        tensor.buffer = static_cast<int>(buffer);
        tensor.data = buffer < m_buffers.size() ? m_buffers[buffer] : std::string_view();
        if (auto ok = checkSize(tensor, place); !ok) {
            return fail(std::move(ok).error());
        }
        return tensor;
    }

    [[nodiscard]] static Result<void> checkSize(const TfliteTensor& tensor,
                                                const std::string& place)
    {
        if (tensor.shape.size() > kMaxRank) {
            return damaged(fmt::format("It has {} axes.", tensor.shape.size()), place);
        }
        std::int64_t count = 1;
        for (const std::int64_t size : tensor.shape) {
            if (size < 0 || (size > 0 && count > kMaxElements / size)) {
                return damaged("Its shape cannot be.", place);
            }
            count *= size;
        }
        const int bits = bitsOf(tensor.type);
        if (tensor.data.empty() || bits == 0 || tensor.isSparse) {
            return {};
        }
        constexpr std::int64_t kByte = 8;
        if (std::ssize(tensor.data) != (count * bits + kByte - 1) / kByte) {
            return damaged(fmt::format("It needs {} values of {}, its buffer has {} bytes.", count,
                                       io::name(tensor.type), tensor.data.size()),
                           place);
        }
        return {};
    }

    [[nodiscard]] static Result<void>
    readQuantization(const CheckedTable& table, TfliteTensor& tensor, const std::string& place)
    {
        namespace s = schema;
        TfliteQuantization& q = tensor.quantization;
        q.scales = table.numbers<float>(s::Quantization::scale);
        q.zeroPoints = table.numbers<std::int64_t>(s::Quantization::zeroPoint);
        q.axis = table.number<std::int32_t>(s::Quantization::axis, 0);
        if (q.zeroPoints.size() == 1 || q.zeroPoints.empty()) {
            q.zeroPoints.resize(q.scales.size(), q.zeroPoints.empty() ? 0 : q.zeroPoints.front());
        }
        if (q.scales.empty()) {
            q.zeroPoints.clear();
            return {};
        }
        constexpr std::int64_t kMaxZero = 1 << 24; // whole numbers of float32
        const bool isSane =
            std::ranges::all_of(q.scales,
                                [](float scale) { return scale > 0.0F && std::isfinite(scale); }) &&
            std::ranges::all_of(q.zeroPoints, [](std::int64_t zero) {
                return zero >= -kMaxZero && zero <= kMaxZero;
            });
        const bool perAxis = q.scales.size() > 1;
        if (!isSane || q.zeroPoints.size() != q.scales.size()) {
            return damaged("Its scales or zero points cannot be.", place);
        }
        if (perAxis && (q.axis < 0 || q.axis >= std::ssize(tensor.shape) ||
                        tensor.shape[static_cast<std::size_t>(q.axis)] != std::ssize(q.scales))) {
            return damaged(fmt::format("It has {} scales along axis {}, which is of another size.",
                                       q.scales.size(), q.axis),
                           place);
        }
        return {};
    }

    [[nodiscard]] Result<TfliteOperator> readOperator(const CheckedTable& table)
    {
        namespace s = schema;
        const auto index = table.number<std::uint32_t>(s::Operator::code, 0);
        if (index >= m_codes.size()) {
            return damaged("An operator has no code.", m_where);
        }
        const CheckedTable& code = m_codes[index];
        TfliteOperator one;
        // Files of before the wider field hold the code in the old one.
        one.code = std::max<int>(code.number<std::int8_t>(s::OperatorCode::oldCode, 0),
                                 code.number<std::int32_t>(s::OperatorCode::code, 0));
        one.version = code.number<std::int32_t>(s::OperatorCode::version, 1);
        one.inputs = indicesOf(table, s::Operator::inputs);
        one.outputs = indicesOf(table, s::Operator::outputs);
        const s::OperatorRow* row = s::findOperator(one.code);
        one.name = row == nullptr ? fmt::format("operator {}", one.code) : std::string(row->name);
        if (one.code == s::kCustom) {
            one.name += " " + code.text(s::OperatorCode::custom);
        }
        if (row == nullptr) {
            return one;
        }
        const int type = table.number<std::uint8_t>(s::Operator::optionsType, 0);
        const CheckedTable options = type == row->optionsType ? table.table(s::Operator::options)
                                                              : CheckedTable(m_file, nullptr);
        one.options = optionsOf(options, *row);
        return one;
    }

    File m_file;
    const std::string& m_where;
    std::vector<std::string_view> m_buffers;
    std::vector<CheckedTable> m_codes;
};

} // namespace

int bitsOf(TfliteType type)
{
    const TypeRow* row = rowOf(type);
    return row == nullptr ? 0 : row->bits;
}

std::string name(TfliteType type)
{
    const TypeRow* row = rowOf(type);
    return row == nullptr ? fmt::format("type {}", static_cast<int>(type)) : std::string(row->name);
}

bool isInteger(TfliteType type)
{
    switch (type) {
    case TfliteType::Int32:
    case TfliteType::UInt8:
    case TfliteType::Int64:
    case TfliteType::Int16:
    case TfliteType::Int8:
    case TfliteType::UInt64:
    case TfliteType::UInt32:
    case TfliteType::UInt16:
    case TfliteType::Int4:
    case TfliteType::Int2:
    case TfliteType::UInt4:
        return true;
    default:
        return false;
    }
}

bool isSigned(TfliteType type)
{
    return type == TfliteType::Int32 || type == TfliteType::Int64 || type == TfliteType::Int16 ||
           type == TfliteType::Int8 || type == TfliteType::Int4 || type == TfliteType::Int2;
}

Result<TfliteModel> readTflite(std::string_view bytes, const std::string& where)
{
    constexpr std::size_t kIdentifierAt = 4;
    if (bytes.size() < 2 * kIdentifierAt ||
        !bytes.substr(kIdentifierAt).starts_with(schema::kIdentifier)) {
        return damaged("The file is no TFLite model: the identifier TFL3 is missing.", where);
    }
    if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
        return fail(ErrorCode::Unsupported, "A FlatBuffer of 2 GB or more is not read.", where);
    }
    constexpr std::uintptr_t kAlignment = 8; // of the widest numbers
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % kAlignment == 0) {
        return ModelReader(bytes, where).read();
    }
    return fail(ErrorCode::Internal, "The bytes of the model are not aligned.", where);
}

} // namespace bitscape::io
