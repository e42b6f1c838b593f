// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/pickle.h"

#include "core/io/bytes.h"

#include <fmt/format.h>

#include <map>
#include <optional>

namespace bitscape::io {

namespace {

enum Code : unsigned char {
    Mark = '(',
    Stop = '.',
    None = 'N',
    NewTrue = 0x88,
    NewFalse = 0x89,
    BinInt = 'J',
    BinInt1 = 'K',
    BinInt2 = 'M',
    ShortUnicode = 0x8c,
    Unicode = 'X',
    LongUnicode = 0x8d,
    ShortBytes = 'C',
    Bytes = 'B',
    LongBytes = 0x8e,
    EmptyTuple = ')',
    Tuple1 = 0x85,
    Tuple2 = 0x86,
    Tuple3 = 0x87,
    Tuple = 't',
    EmptyList = ']',
    Append = 'a',
    Appends = 'e',
    EmptyDict = '}',
    SetItem = 's',
    SetItems = 'u',
    Global = 'c',
    StackGlobal = 0x93,
    Reduce = 'R',
    Build = 'b',
    Protocol = 0x80,
    Frame = 0x95,
    Memoize = 0x94,
    BinPut = 'q',
    LongBinPut = 'r',
    BinGet = 'h',
    LongBinGet = 'j',
};

class Machine {
public:
    explicit Machine(std::string_view bytes) : m_in(bytes) {}

    /// False at damage and at what plain data do not need.
    bool run()
    {
        while (const auto code = m_in.number<unsigned char>()) {
            if (*code == Stop) {
                return m_marks.empty() && m_stack.size() == 1;
            }
            if (!step(*code)) {
                return false;
            }
        }
        return false;
    }
    [[nodiscard]] PicklePtr result() const { return m_stack.back(); }
    [[nodiscard]] std::size_t position() const { return m_in.position(); }

private:
    template <class Data>
    bool push(Data data)
    {
        if (++m_values > kMaxValues) { // how deep they may nest
            return false;
        }
        m_stack.push_back(std::make_shared<PickleValue>(PickleValue{std::move(data)}));
        return true;
    }
    template <class Number>
    bool pushNumber()
    {
        const auto value = m_in.number<Number>();
        return value && push(static_cast<std::int64_t>(*value));
    }
    template <class Size>
    bool pushText()
    {
        const auto size = m_in.number<Size>();
        const auto text = size ? m_in.take(static_cast<std::size_t>(*size)) : std::nullopt;
        return text && push(std::string(*text));
    }
    std::optional<std::string> line()
    {
        std::string text;
        while (const auto c = m_in.number<char>()) {
            if (*c == '\n') {
                return text;
            }
            text += *c;
        }
        return std::nullopt;
    }

    /// The lowest place that may be taken from.
    [[nodiscard]] std::size_t floor() const { return m_marks.empty() ? 0 : m_marks.back(); }
    [[nodiscard]] bool has(std::size_t count) const { return m_stack.size() - floor() >= count; }
    PicklePtr pop()
    {
        PicklePtr top = std::move(m_stack.back());
        m_stack.pop_back();
        return top;
    }
    bool popTuple(std::size_t count)
    {
        if (!has(count)) {
            return false;
        }
        const auto first = m_stack.end() - static_cast<std::ptrdiff_t>(count);
        PickleList list{{first, m_stack.end()}};
        m_stack.erase(first, m_stack.end());
        return push(std::move(list));
    }
    /// All above the last mark, which goes too.
    std::optional<std::vector<PicklePtr>> popMarked()
    {
        if (m_marks.empty()) {
            return std::nullopt;
        }
        const auto first = m_stack.begin() + static_cast<std::ptrdiff_t>(m_marks.back());
        std::vector<PicklePtr> items(first, m_stack.end());
        m_stack.erase(first, m_stack.end());
        m_marks.pop_back();
        return items;
    }

    bool append(std::vector<PicklePtr> items)
    {
        auto* list = has(1) ? std::get_if<PickleList>(&m_stack.back()->data) : nullptr;
        if (list == nullptr) {
            return false;
        }
        for (PicklePtr& item : items) {
            if (item == m_stack.back()) { // would never be freed
                return false;
            }
            list->items.push_back(std::move(item));
        }
        return true;
    }
    bool setItems(std::vector<PicklePtr> items)
    {
        auto* dict = has(1) ? std::get_if<PickleDict>(&m_stack.back()->data) : nullptr;
        if (dict == nullptr || items.size() % 2 != 0) {
            return false;
        }
        for (std::size_t i = 0; i < items.size(); i += 2) {
            if (items[i] == m_stack.back() || items[i + 1] == m_stack.back()) {
                return false;
            }
            dict->items.emplace_back(std::move(items[i]), std::move(items[i + 1]));
        }
        return true;
    }
    bool stackGlobal()
    {
        if (!has(2)) {
            return false;
        }
        const PicklePtr name = pop();
        const PicklePtr module = pop();
        const auto* a = std::get_if<std::string>(&module->data);
        const auto* b = std::get_if<std::string>(&name->data);
        return a != nullptr && b != nullptr && push(PickleGlobal{*a + "." + *b});
    }
    bool global()
    {
        const auto module = line();
        const auto name = module ? line() : std::nullopt;
        return name && push(PickleGlobal{*module + "." + *name});
    }
    bool reduce()
    {
        if (!has(2)) {
            return false;
        }
        PicklePtr arguments = pop();
        PicklePtr function = pop();
        return push(PickleCall{std::move(function), std::move(arguments), nullptr});
    }
    bool build()
    {
        if (!has(2)) {
            return false;
        }
        PicklePtr state = pop();
        auto* call = std::get_if<PickleCall>(&m_stack.back()->data);
        if (call == nullptr || call->state || state == m_stack.back()) {
            return false;
        }
        call->state = std::move(state);
        return true;
    }
    template <class Number>
    bool put()
    {
        const auto at = m_in.number<Number>();
        if (!at || m_stack.empty()) {
            return false;
        }
        m_memo[*at] = m_stack.back();
        return true;
    }
    template <class Number>
    bool get()
    {
        const auto at = m_in.number<Number>();
        const auto found = at ? m_memo.find(*at) : m_memo.end();
        if (found == m_memo.end()) {
            return false;
        }
        m_stack.push_back(found->second);
        return true;
    }
    bool memoize()
    {
        const auto at = static_cast<std::uint32_t>(m_memo.size());
        return !m_stack.empty() && m_memo.emplace(at, m_stack.back()).second;
    }

    bool step(unsigned char code)
    {
        switch (code) {
        case Protocol:
            return m_in.take(1).has_value();
        case Frame:
            return m_in.take(8).has_value();
        case Mark:
            m_marks.push_back(m_stack.size());
            return true;
        case None:
        case NewFalse:
            return push(std::int64_t{0});
        case NewTrue:
            return push(std::int64_t{1});
        case BinInt:
            return pushNumber<std::int32_t>();
        case BinInt1:
            return pushNumber<std::uint8_t>();
        case BinInt2:
            return pushNumber<std::uint16_t>();
        case ShortUnicode:
        case ShortBytes:
            return pushText<std::uint8_t>();
        case Unicode:
        case Bytes:
            return pushText<std::uint32_t>();
        case LongUnicode:
        case LongBytes:
            return pushText<std::uint64_t>();
        default:
            return stepOfContainers(code);
        }
    }
    bool stepOfContainers(unsigned char code)
    {
        switch (code) {
        case EmptyTuple:
        case EmptyList:
            return push(PickleList{});
        case EmptyDict:
            return push(PickleDict{});
        case Tuple1:
        case Tuple2:
        case Tuple3:
            return popTuple(static_cast<std::size_t>(code - Tuple1) + 1);
        case Tuple: {
            auto items = popMarked();
            return items && push(PickleList{std::move(*items)});
        }
        case Append: {
            if (!has(2)) {
                return false;
            }
            return append({pop()});
        }
        case Appends: {
            auto items = popMarked();
            return items && append(std::move(*items));
        }
        case SetItem: {
            if (!has(3)) {
                return false;
            }
            PicklePtr value = pop();
            PicklePtr key = pop();
            return setItems({std::move(key), std::move(value)});
        }
        case SetItems: {
            auto items = popMarked();
            return items && setItems(std::move(*items));
        }
        default:
            return stepOfObjects(code);
        }
    }
    bool stepOfObjects(unsigned char code)
    {
        switch (code) {
        case Global:
            return global();
        case StackGlobal:
            return stackGlobal();
        case Reduce:
            return reduce();
        case Build:
            return build();
        case Memoize:
            return memoize();
        case BinPut:
            return put<std::uint8_t>();
        case LongBinPut:
            return put<std::uint32_t>();
        case BinGet:
            return get<std::uint8_t>();
        case LongBinGet:
            return get<std::uint32_t>();
        default:
            return false;
        }
    }

    static constexpr int kMaxValues = 10000;

    ByteReader m_in;
    int m_values = 0;
    std::vector<PicklePtr> m_stack;
    std::vector<std::size_t> m_marks;
    std::map<std::uint32_t, PicklePtr> m_memo;
};

} // namespace

Result<PicklePtr> readPickle(std::string_view bytes, const std::string& where)
{
    Machine machine(bytes);
    if (!machine.run()) {
        return fail(ErrorCode::CorruptFile,
                    fmt::format("The pickle is damaged or holds more than data, at byte {}.",
                                machine.position()),
                    where);
    }
    return machine.result();
}

} // namespace bitscape::io
