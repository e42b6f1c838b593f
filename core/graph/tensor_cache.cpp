// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/tensor_cache.h"

#include <algorithm>
#include <iterator>

namespace bitscape::graph {

namespace {

Index bytesOf(const Shape& shape)
{
    return shape.elementCount() * static_cast<Index>(sizeof(float));
}

} // namespace

TensorPtr TensorCache::find(const std::string& key)
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_places.find(key);
    if (found == m_places.end()) {
        return nullptr;
    }
    ++m_found;
    m_entries.splice(m_entries.begin(), m_entries, found->second);
    return found->second->tensor;
}

std::vector<std::shared_ptr<Tensor>> TensorCache::take(std::span<const Shape> shapes)
{
    Index wanted = 0;
    for (const Shape& shape : shapes) {
        wanted += bytesOf(shape);
    }
    std::vector<std::shared_ptr<Tensor>> taken(shapes.size());
    {
        const std::lock_guard lock(m_mutex);
        for (std::size_t i = 0; i < shapes.size() && m_bytes + wanted > m_limit; ++i) {
            taken[i] = dropLike(shapes[i]);
        }
        makeRoomFor(wanted);
    }
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        if (!taken[i]) {
            taken[i] = std::make_shared<Tensor>(shapes[i]);
        }
    }
    return taken;
}

void TensorCache::put(const std::string& key, std::shared_ptr<Tensor> tensor)
{
    const std::lock_guard lock(m_mutex);
    const Index more = bytesOf(tensor->shape());
    if (more > m_limit || m_places.contains(key)) {
        return;
    }
    makeRoomFor(more);
    m_entries.push_front({key, std::move(tensor)});
    m_places.emplace(key, m_entries.begin());
    m_bytes += more;
}

Index TensorCache::bytes() const
{
    const std::lock_guard lock(m_mutex);
    return m_bytes;
}

Index TensorCache::found() const
{
    const std::lock_guard lock(m_mutex);
    return m_found;
}

void TensorCache::makeRoomFor(Index more)
{
    while (m_bytes + more > m_limit && !m_entries.empty()) {
        (void)drop(std::prev(m_entries.end()));
    }
}

std::shared_ptr<Tensor> TensorCache::dropLike(const Shape& shape)
{
    auto entry = m_entries.end();
    for (std::size_t left = (m_entries.size() + 1) / 2; left > 0; --left) {
        --entry;
        if (entry->tensor->shape() == shape && entry->tensor.use_count() == 1) {
            // Giving a copy back orders what follows after the last reader's work; asking for the
            // count alone does not.
            std::shared_ptr<Tensor>(entry->tensor).reset();
            return drop(entry);
        }
    }
    return nullptr;
}

std::shared_ptr<Tensor> TensorCache::drop(Entries::iterator entry)
{
    std::shared_ptr<Tensor> tensor = std::move(entry->tensor);
    m_bytes -= bytesOf(tensor->shape());
    m_places.erase(entry->key);
    m_entries.erase(entry);
    return tensor;
}

} // namespace bitscape::graph
