// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/tensor.h"

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace bitscape::graph {

/// Tensors by the hash of all that they were made from. Bounded by bytes; what was not used for
/// long goes. Thread: any.
class TensorCache {
public:
    explicit TensorCache(Index bytes) : m_limit(bytes) {}

    /// Null if it is not there.
    [[nodiscard]] TensorPtr find(const std::string& key);
    /// Tensors to write, then to put(), after room was made for them: their values are anything.
    /// Memory of what goes is used again, which spares the system the zeroing of new pages.
    [[nodiscard]] std::vector<std::shared_ptr<Tensor>> take(std::span<const Shape> shapes);
    /// Nothing happens if the key is there already, or the tensor is larger than the limit.
    void put(const std::string& key, std::shared_ptr<Tensor> tensor);

    [[nodiscard]] Index limit() const { return m_limit; }
    [[nodiscard]] Index bytes() const; ///< of the tensors kept
    [[nodiscard]] Index found() const; ///< tensors that find() gave, since the beginning

private:
    struct Entry {
        std::string key;
        std::shared_ptr<Tensor> tensor;
    };
    using Entries = std::list<Entry>; // the latest first

    /// Lets the oldest go until `more` bytes fit.
    void makeRoomFor(Index more);
    /// Lets go, of the older half, the oldest of this shape that nobody uses; null: there is none.
    std::shared_ptr<Tensor> dropLike(const Shape& shape);
    std::shared_ptr<Tensor> drop(Entries::iterator entry);

    Index m_limit;
    mutable std::mutex m_mutex;
    Entries m_entries;
    std::map<std::string, Entries::iterator, std::less<>> m_places;
    Index m_bytes = 0, m_found = 0;
};

} // namespace bitscape::graph
