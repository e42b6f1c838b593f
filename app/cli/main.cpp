// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/command.h"
#include "app/cli/version.h"
#include "app/errors/exit_code.h"
#include "core/base/text.h"
#include "core/base/version.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <new>
#include <optional>
#include <system_error>

namespace {

using bitscape::Error;
using bitscape::ErrorCode;
using bitscape::Result;
using namespace bitscape::cli;

struct CommonTexts {
    std::string timeLimit, memoryLimit;
};

void addCommonOptions(CLI::App& app, CommonOptions& options, CommonTexts& texts)
{
    app.add_flag("--json", options.json, "Print one JSON object on stdout and nothing else");
    app.add_option("--threads", options.threads, "Threads; 0: all cores")
        ->capture_default_str()
        ->check(CLI::Range(0, 1024));
    app.add_option("--seed", options.seed, "Seed of everything random")->capture_default_str();
    app.add_flag("--quiet", options.quiet, "No progress and no warnings on stderr");
    app.add_option("--log-level", options.logLevel,
                   "Least level told on stderr: error, warning, info")
        ->capture_default_str()
        ->check(CLI::IsMember({"error", "warning", "info"}));
    app.add_option("--time-limit", texts.timeLimit, "Stop after this time: 90s, 10m, 2h");
    app.add_option("--memory-limit", texts.memoryLimit,
                   "Stop rather than take more memory: 4G, 512M");
}

Result<void> readLimits(const CommonTexts& texts, CommonOptions& options)
{
    if (!texts.timeLimit.empty()) {
        auto seconds = parseDuration(texts.timeLimit);
        if (!seconds) {
            return bitscape::fail(std::move(seconds).error().in("--time-limit"));
        }
        options.timeLimitSeconds = *seconds;
    }
    if (!texts.memoryLimit.empty()) {
        auto bytes = parseBytes(texts.memoryLimit);
        if (!bytes) {
            return bitscape::fail(std::move(bytes).error().in("--memory-limit"));
        }
        options.memoryLimitBytes = *bytes;
    }
    return {};
}

Json commonKeys(const std::string& command, const Session* session)
{
    Json out{{"command", command}, {"version", bitscape::version()}};
    out["timing"] = session != nullptr
                        ? session->timing()
                        : Json{{"load_s", 0.0}, {"compute_s", 0.0}, {"total_s", 0.0}};
    Json warnings = Json::array();
    if (session != nullptr) {
        for (const bitscape::Warning& warning : session->warnings()) {
            warnings.push_back(
                {{"code", warning.code}, {"message", warning.message}, {"where", warning.where}});
        }
    }
    out["warnings"] = std::move(warnings);
    return out;
}

void print(const std::string& text)
{
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void printJson(const Json& json)
{
    print(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int reportError(const Error& error, const std::string& command, bool json, const Session* session)
{
    std::fprintf(stderr, "bitscape-cli: %s\n", error.sentence().c_str());
    if (json) {
        Json out = commonKeys(command, session);
        out["error"] = {{"code", name(error.code)},
                        {"message", error.message},
                        {"where", error.where},
                        {"hint", error.hint}};
        printJson(out);
    }
    return bitscape::exitCode(error.code);
}

Error stopped(Error error, const Session& session)
{
    if (error.code == ErrorCode::Canceled) {
        if (session.timeLimitReached()) {
            error.code = ErrorCode::OutOfResources;
            error.message = "Stopped: the time limit was reached.";
        }
        error.hint = session.saved().empty() ? "Nothing was saved." : session.saved();
    }
    return error;
}

void tellWarnings(const Session& session)
{
    if (session.options().quiet || session.options().logLevel == "error") {
        return;
    }
    for (const bitscape::Warning& warning : session.warnings()) {
        const std::string place = warning.where.empty() ? "" : " (" + warning.where + ")";
        std::fprintf(stderr, "warning: %s%s\n", warning.message.c_str(), place.c_str());
    }
}

Result<Answer> perform(const Action& action, Session& session)
{
    try {
        return action(session);
    } catch (const std::bad_alloc&) {
        return bitscape::fail(ErrorCode::OutOfResources, "Not enough memory.", {},
                              "Use fewer samples (--limit), or raise --memory-limit.");
    } catch (const std::system_error&) { // no thread could be started
        return bitscape::fail(ErrorCode::OutOfResources, "Not enough memory for threads.", {},
                              "Use fewer --threads, or raise --memory-limit.");
    } catch (const std::exception& thrown) {
        return bitscape::fail(ErrorCode::Internal,
                              std::string("Internal error: ") + thrown.what() + ".", {},
                              "Send the command line and the input to the authors.");
    }
}

int runCommand(const CommandInfo& command, const Action& action, const CommonOptions& options)
{
    Session session(options);
    auto answer = perform(action, session);
    session.endProgress();
    tellWarnings(session);
    if (!answer) {
        const Error error = stopped(std::move(answer).error(), session);
        return reportError(error, command.name, options.json, &session);
    }
    if (options.json) {
        Json out = commonKeys(command.name, &session);
        out.update(answer->json);
        printJson(out);
    } else {
        print(answer->text);
        if (options.logLevel == "info") {
            std::fprintf(stderr, "took %.3f s\n", session.timing()["total_s"].get<double>());
        }
    }
    return answer->exitCode;
}

/// The first argument that is neither an option nor the value of a common one.
std::optional<std::string> commandWord(const std::vector<std::string>& arguments)
{
    const std::vector<std::string> withValue{"--threads", "--seed", "--log-level", "--time-limit",
                                             "--memory-limit"};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (std::ranges::find(withValue, arguments[i]) != withValue.end()) {
            ++i;
        } else if (!arguments[i].starts_with("-")) {
            return arguments[i];
        }
    }
    return std::nullopt;
}

Error unknownCommand(const std::string& word)
{
    std::vector<std::string> known;
    for (const CommandInfo& info : commands()) {
        known.push_back(info.name);
    }
    const std::string near = bitscape::nearest(word, std::span<const std::string>(known));
    return {ErrorCode::InvalidArgument,
            "There is no command '" + word + "'.",
            {},
            near.empty() ? "bitscape-cli --help lists the commands."
                         : "Did you mean '" + near + "'?"};
}

/// CLI11 says what is wrong; the nearest option of the command is added.
Error usageError(const CLI::ParseError& error, const CLI::App* used,
                 const std::vector<std::string>& arguments)
{
    std::string hint = "See bitscape-cli" +
                       (used != nullptr ? " " + used->get_name() : std::string()) + " --help.";
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && used != nullptr) {
        std::vector<std::string> known;
        for (const CLI::App* app : {used, used->get_parent()}) {
            for (const CLI::Option* option : app->get_options()) {
                for (const std::string& longName : option->get_lnames()) {
                    known.push_back("--" + longName);
                }
            }
        }
        for (const std::string& argument : arguments) {
            const std::string word = argument.substr(0, argument.find('='));
            if (word.starts_with("--") && std::ranges::find(known, word) == known.end()) {
                const std::string near =
                    bitscape::nearest(word, std::span<const std::string>(known));
                if (!near.empty()) {
                    hint = "Did you mean " + near + "?";
                }
                break;
            }
        }
    }
    std::string message = error.what();
    std::ranges::replace(message, '\n', ' ');
    return {ErrorCode::InvalidArgument, message + (message.ends_with('.') ? "" : "."), {}, hint};
}

} // namespace

int main(int argc, char** argv)
{
    CLI::App app("Bitscape: mixed precision of neural networks for small hardware", "bitscape-cli");
    CommonOptions options;
    CommonTexts texts;
    bool wantsVersion = false;
    addCommonOptions(app, options, texts);
    app.add_flag("--version", wantsVersion, "Print version, engine variant and libraries");
    app.require_subcommand(0, 1);
    app.get_formatter()->column_width(34);

    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const bool json = std::ranges::find(arguments, "--json") != arguments.end();
    const auto word = commandWord(arguments);
    const CommandInfo* chosen = nullptr;
    Action action;
    CLI::App* used = nullptr;
    for (const CommandInfo& info : commands()) {
        // Only the command asked for declares its options: starting stays quick.
        CLI::App* sub = app.add_subcommand(info.name, info.summary);
        if (word == info.name) {
            sub->fallthrough();
            chosen = &info;
            used = sub;
            action = info.declare(*sub);
        }
    }
    if (word && chosen == nullptr) {
        return reportError(unknownCommand(*word), *word, json, nullptr);
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp& help) {
        return app.exit(help);
    } catch (const CLI::ParseError& error) {
        return reportError(usageError(error, used, arguments),
                           chosen != nullptr ? chosen->name : "", json, nullptr);
    }
    if (wantsVersion) {
        if (options.json) {
            Json out = commonKeys("--version", nullptr);
            out.update(versionFacts());
            printJson(out);
        } else {
            print(versionText());
        }
        return 0;
    }
    if (chosen == nullptr) {
        print(app.help());
        return 0;
    }
    if (auto limits = readLimits(texts, options); !limits) {
        return reportError(limits.error(), chosen->name, json, nullptr);
    }
    return runCommand(*chosen, action, options);
}
