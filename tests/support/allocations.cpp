// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/support/allocations.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>

namespace bitscape::allocations {

namespace {

std::atomic<bool> g_counts{false};
std::atomic<std::size_t> g_calls{0};
std::atomic<std::size_t> g_bytes{0};

[[maybe_unused]] void note(std::size_t bytes)
{
    if (g_counts.load(std::memory_order_relaxed)) {
        g_calls.fetch_add(1, std::memory_order_relaxed);
        g_bytes.fetch_add(bytes, std::memory_order_relaxed);
    }
}

} // namespace

void begin()
{
    g_calls = 0;
    g_bytes = 0;
    g_counts = true;
}

Count end()
{
    g_counts = false;
    return {g_calls, g_bytes};
}

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

bool areCounted()
{
    return true;
}

extern "C" {

// glibc's own names of what is replaced.
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) noexcept
{
    note(size);
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept
{
    note(count * size);
    return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) noexcept
{
    note(size);
    return __libc_realloc(block, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    note(size);
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept
{
    note(size);
    *block = __libc_memalign(alignment, size);
    return *block == nullptr ? ENOMEM : 0;
}
}

#else

bool areCounted()
{
    return false;
}

#endif

} // namespace bitscape::allocations
