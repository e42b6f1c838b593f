// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace bitscape {

template <class Signature>
class FunctionRef;

/// Looks at something callable that another owns: no allocation, valid during a call only. A
/// default one is empty.
template <class Return, class... Arguments>
class FunctionRef<Return(Arguments...)> {
public:
    FunctionRef() = default;
    template <class Callable>
    requires(!std::is_same_v<std::remove_cvref_t<Callable>, FunctionRef>)
        FunctionRef(const Callable& callable) // NOLINT(google-explicit-constructor): as a reference
        : m_object(std::addressof(callable)),
          m_call([](const void* object, Arguments... arguments) {
              return (*static_cast<const Callable*>(object))(std::forward<Arguments>(arguments)...);
          })
    {
    }

    explicit operator bool() const { return m_call != nullptr; }
    Return operator()(Arguments... arguments) const
    {
        return m_call(m_object, std::forward<Arguments>(arguments)...);
    }

private:
    const void* m_object = nullptr;
    Return (*m_call)(const void*, Arguments...) = nullptr;
};

} // namespace bitscape
