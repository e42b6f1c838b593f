// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/isolation.h"

#include "core/io/bytes.h"
#include "core/io/hdf5.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <limits>
#include <utility>

namespace bitscape::io {

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPollMilliseconds = 50;
constexpr char kAnswer = 'a';
constexpr char kError = 'e';

struct Pipe {
    int read = -1;
    int write = -1;

    Pipe()
    {
        std::array<int, 2> ends{-1, -1};
        if (::pipe2(ends.data(), O_CLOEXEC) == 0) {
            read = ends[0];
            write = ends[1];
        }
    }
    ~Pipe()
    {
        closeEnd(read);
        closeEnd(write);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    Pipe(Pipe&&) = delete;
    Pipe& operator=(Pipe&&) = delete;

    static void closeEnd(int& end)
    {
        if (end >= 0) {
            ::close(std::exchange(end, -1));
        }
    }
};

std::int64_t mappedBytes()
{
    long pages = 0;
    if (std::FILE* file = std::fopen("/proc/self/statm", "re"); file != nullptr) {
        if (std::fscanf(file, "%ld", &pages) != 1) { // NOLINT(cert-err34-c): 0 on failure is fine
            pages = 0;
        }
        std::fclose(file);
    }
    return std::int64_t{pages} * ::sysconf(_SC_PAGESIZE);
}

void limit(int what, std::int64_t value)
{
    rlimit now{};
    ::getrlimit(static_cast<__rlimit_resource>(what), &now);
    now.rlim_cur = std::min<rlim_t>(now.rlim_max, static_cast<rlim_t>(value));
    ::setrlimit(static_cast<__rlimit_resource>(what), &now);
}

void writeAll(int file, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t count = ::write(file, bytes.data(), bytes.size());
        if (count < 0 && errno != EINTR) {
            return; // the parent has gone or does not want it any more
        }
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
}

std::string encode(const Result<std::string>& result)
{
    ByteWriter writer;
    writer.number(result ? kAnswer : kError);
    if (result) {
        writer.raw(result->data(), result->size());
    } else {
        writer.number(static_cast<int>(result.error().code));
        writer.text(result.error().message);
        writer.text(result.error().where);
        writer.text(result.error().hint);
    }
    return writer.finish();
}

Failure broken(const std::string& where)
{
    return fail(ErrorCode::CorruptFile, "The file is damaged: reading it failed.", where,
                "Get it anew from where it came from.");
}

Result<std::string> decode(std::string_view bytes, const std::string& where)
{
    if (bytes.empty()) {
        return broken(where);
    }
    if (bytes.front() == kAnswer) {
        return std::string(bytes.substr(1));
    }
    ByteReader reader(bytes.substr(1));
    const auto code = reader.number<int>();
    const auto message = reader.text();
    const auto place = reader.text();
    const auto hint = reader.text();
    if (!hint || *code < 0 || *code > static_cast<int>(ErrorCode::Internal)) {
        return broken(where);
    }
    return fail(static_cast<ErrorCode>(*code), *message, *place, *hint);
}

[[noreturn]] void runChild(int output, const std::function<Result<std::string>()>& work,
                           const IsolationOptions& options)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGPIPE}) {
        std::signal(number, SIG_DFL);
    }
    std::signal(SIGINT, SIG_IGN); // the parent decides what a stop means
    std::signal(SIGTERM, SIG_IGN);
    const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_DATA, std::numeric_limits<std::int64_t>::max()); // the parent minds its own limit
    limit(RLIMIT_AS, mappedBytes() + options.memoryBytes);
    try {
        writeAll(output, encode(work()));
    } catch (const std::exception&) {
        ::_exit(1); // out of memory on a bomb; the parent says what it means
    }
    ::_exit(0);
}

struct Ending {
    bool inTime = true;
    bool stopped = false;
};

/// Reads until the child closes its end.
Ending collect(int input, std::string& bytes, const IsolationOptions& options)
{
    const auto end = Clock::now() + std::chrono::duration<double>(options.seconds);
    std::array<char, 1 << 16> buffer{};
    while (true) {
        pollfd watched{.fd = input, .events = POLLIN, .revents = 0};
        const int ready = ::poll(&watched, 1, kPollMilliseconds);
        if (!options.job.proceed()) {
            return {.stopped = true};
        }
        if (Clock::now() > end) {
            return {.inTime = false};
        }
        if (ready <= 0) {
            continue;
        }
        const ssize_t count = ::read(input, buffer.data(), buffer.size());
        if (count == 0) {
            return {};
        }
        if (count > 0) {
            bytes.append(buffer.data(), static_cast<std::size_t>(count));
        } else if (errno != EINTR) {
            return {};
        }
    }
}

} // namespace

Result<std::string> isolated(const std::string& where,
                             const std::function<Result<std::string>()>& work,
                             const IsolationOptions& options)
{
    Pipe pipe;
    pid_t child = -1;
    if (pipe.read >= 0) {
        const hdf5::LibraryLock lock(hdf5::LibraryLock::Purpose::Fork);
        child = ::fork();
        if (child == 0) {
            Pipe::closeEnd(pipe.read);
            runChild(pipe.write, work, options);
        }
    }
    if (child < 0) {
        return fail(ErrorCode::OutOfResources, "No process could be started to read the file.",
                    where, "Close other programs or raise the limit of processes.");
    }
    Pipe::closeEnd(pipe.write);
    std::string bytes;
    const Ending ending = collect(pipe.read, bytes, options);
    if (!ending.inTime || ending.stopped) {
        ::kill(child, SIGKILL);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (ending.stopped) {
        return fail(ErrorCode::Canceled, "Stopped.");
    }
    if (!ending.inTime) {
        return fail(ErrorCode::CorruptFile, "Reading the file takes too long; it is damaged.",
                    where, "Get it anew from where it came from.");
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return broken(where);
    }
    return decode(bytes, where);
}

} // namespace bitscape::io
