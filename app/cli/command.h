// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/base/parallel.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace bitscape::cli {

using Json = nlohmann::ordered_json;

/// Options that every command knows, before or after its name.
struct CommonOptions {
    bool json = false;
    bool quiet = false;
    int threads = 0; ///< 0: all cores
    std::uint64_t seed = 0;
    std::string logLevel = "warning";
    double timeLimitSeconds = 0;       ///< 0: none
    std::int64_t memoryLimitBytes = 0; ///< 0: none
};

/// What a command runs in.
class Session {
public:
    explicit Session(const CommonOptions& options);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    Session(Session&&) = delete;
    Session& operator=(Session&&) = delete;

    [[nodiscard]] const CommonOptions& options() const { return m_options; }
    /// Stops on SIGINT, SIGTERM and the time limit; its progress is drawn on a terminal's stderr.
    [[nodiscard]] JobContext job() const;
    /// The pool with --threads threads.
    [[nodiscard]] Parallel& parallel();
    /// Call once when inputs are read: splits timing.load_s from timing.compute_s.
    void loaded();
    void warn(Warning warning);
    void warn(const Warnings& warnings);
    [[nodiscard]] const Warnings& warnings() const { return m_warnings; }
    /// {"load_s", "compute_s", "total_s"} up to now.
    [[nodiscard]] Json timing() const;
    /// Whether --time-limit, rather than a signal, made the job stop.
    [[nodiscard]] bool timeLimitReached() const;
    /// Takes the progress bar off the terminal; called before anything is printed.
    void endProgress();
    /// What was finished and saved before a stop, for the sentence of exit 130.
    void noteSaved(std::string sentence) { m_saved = std::move(sentence); }
    [[nodiscard]] const std::string& saved() const { return m_saved; }

private:
    struct State;
    CommonOptions m_options;
    Warnings m_warnings;
    std::string m_saved;
    std::unique_ptr<State> m_state;
};

/// What a command answers: JSON without the common keys, and text for people (aligned tables).
struct Answer {
    Json json = Json::object();
    std::string text;
    int exitCode = 0; ///< other than 0 only where the contract says so
};

using Action = std::function<Result<Answer>(Session&)>;

/// A row of the command table. `declare` adds options (each with help and default) to the
/// sub-command and returns what to do; option values live in the returned closure (shared_ptr).
struct CommandInfo {
    std::string name;
    std::string summary;
    Action (*declare)(CLI::App& app);
};

[[nodiscard]] std::span<const CommandInfo> commands();

/// Lines of equal width per column; the first row is the header; numbers (right[i]) are
/// right-aligned.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows,
                                const std::vector<bool>& right);

/// NaN and infinities become null.
[[nodiscard]] Json number(double value);

/// "90s", "10m", "2h", "1.5h" or plain seconds; InvalidArgument otherwise.
[[nodiscard]] Result<double> parseDuration(const std::string& text);
/// "4G", "512M", "100k" (binary) or bytes.
[[nodiscard]] Result<std::int64_t> parseBytes(const std::string& text);

} // namespace bitscape::cli
