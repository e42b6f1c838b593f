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
    std::vector<std::shared_ptr<Tensor>> spares;
    {
        const std::lock_guard lock(m_mutex);
        spares = makeRoomFor(wanted);
    }
    std::vector<std::shared_ptr<Tensor>> taken(shapes.size());
    for (std::size_t i = 0; i < shapes.size(); ++i) {
        const auto spare = std::ranges::find_if(
            spares, [&](const auto& one) { return one->shape() == shapes[i]; });
        if (spare != spares.end()) {
            taken[i] = std::move(*spare);
            spares.erase(spare);
        }
    }
    spares.clear(); // before new ones are made
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

std::vector<std::shared_ptr<Tensor>> TensorCache::makeRoomFor(Index more)
{
    std::vector<std::shared_ptr<Tensor>> spares;
    while (m_bytes + more > m_limit && !m_entries.empty()) {
        Entry& oldest = m_entries.back();
        m_bytes -= bytesOf(oldest.tensor->shape());
        if (oldest.tensor.use_count() == 1) {
            // Giving a copy back orders what follows after the last reader's work; asking for the
            // count alone does not.
            std::shared_ptr<Tensor>(oldest.tensor).reset();
            spares.push_back(std::move(oldest.tensor));
        }
        m_places.erase(oldest.key);
        m_entries.pop_back();
    }
    return spares;
}

} // namespace bitscape::graph
