// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"
#include "core/project/search_export.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Optuna's relational storage, as its version 3 and later lay it out. Times are counted from a
// fixed day, so that the same project gives the same bytes.
namespace bitscape::project {

namespace {

constexpr int kSchemaVersion = 12;
constexpr const char* kLibraryVersion = "3.6.1";
constexpr const char* kAlembicVersion = "v3.2.0.a";

constexpr const char* kSchema = R"sql(
CREATE TABLE studies (study_id INTEGER NOT NULL PRIMARY KEY, study_name VARCHAR(512) NOT NULL);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE TABLE version_info (version_info_id INTEGER NOT NULL PRIMARY KEY, schema_version INTEGER,
  library_version VARCHAR(256), CHECK (version_info_id = 1));
CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL PRIMARY KEY,
  direction VARCHAR(8) NOT NULL, study_id INTEGER NOT NULL REFERENCES studies (study_id),
  objective INTEGER NOT NULL, UNIQUE (study_id, objective));
CREATE TABLE study_user_attributes (study_user_attribute_id INTEGER NOT NULL PRIMARY KEY,
  study_id INTEGER REFERENCES studies (study_id), "key" VARCHAR(512), value_json TEXT,
  UNIQUE (study_id, "key"));
CREATE TABLE study_system_attributes (study_system_attribute_id INTEGER NOT NULL PRIMARY KEY,
  study_id INTEGER REFERENCES studies (study_id), "key" VARCHAR(512), value_json TEXT,
  UNIQUE (study_id, "key"));
CREATE TABLE trials (trial_id INTEGER NOT NULL PRIMARY KEY, number INTEGER,
  study_id INTEGER REFERENCES studies (study_id), state VARCHAR(8) NOT NULL,
  datetime_start DATETIME, datetime_complete DATETIME);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER NOT NULL PRIMARY KEY,
  trial_id INTEGER REFERENCES trials (trial_id), "key" VARCHAR(512), value_json TEXT,
  UNIQUE (trial_id, "key"));
CREATE TABLE trial_system_attributes (trial_system_attribute_id INTEGER NOT NULL PRIMARY KEY,
  trial_id INTEGER REFERENCES trials (trial_id), "key" VARCHAR(512), value_json TEXT,
  UNIQUE (trial_id, "key"));
CREATE TABLE trial_params (param_id INTEGER NOT NULL PRIMARY KEY,
  trial_id INTEGER REFERENCES trials (trial_id), param_name VARCHAR(512), param_value FLOAT,
  distribution_json TEXT, UNIQUE (trial_id, param_name));
CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL PRIMARY KEY,
  trial_id INTEGER NOT NULL REFERENCES trials (trial_id), objective INTEGER NOT NULL, value FLOAT,
  value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, objective));
CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL PRIMARY KEY,
  trial_id INTEGER NOT NULL REFERENCES trials (trial_id), step INTEGER NOT NULL,
  intermediate_value FLOAT, intermediate_value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, step));
CREATE TABLE trial_heartbeats (trial_heartbeat_id INTEGER NOT NULL PRIMARY KEY,
  trial_id INTEGER NOT NULL UNIQUE REFERENCES trials (trial_id), heartbeat DATETIME NOT NULL);
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL,
  CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
)sql";

struct CloseDatabase {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
};
struct FreeBytes {
    void operator()(unsigned char* bytes) const { sqlite3_free(bytes); }
};

/// A cell to be stored.
using Value = std::variant<std::int64_t, double, std::string>;

/// A database in memory. After the first failure nothing more is done.
class Database {
public:
    Database()
    {
        sqlite3* opened = nullptr;
        m_failed = sqlite3_open(":memory:", &opened) != SQLITE_OK;
        m_database.reset(opened);
    }

    void run(const char* statements)
    {
        m_failed = m_failed || sqlite3_exec(m_database.get(), statements, nullptr, nullptr,
                                            nullptr) != SQLITE_OK;
    }

    /// Adds a row; the values of all columns but the first, which counts from 1.
    void add(const char* table, const std::vector<Value>& values)
    {
        std::string statement = fmt::format("INSERT INTO {} VALUES (NULL", table);
        for (std::size_t i = 0; i < values.size(); ++i) {
            statement += ",?";
        }
        insert(statement + ")", values);
    }

    void insert(const std::string& statement, const std::vector<Value>& values)
    {
        sqlite3_stmt* prepared = nullptr;
        if (m_failed || sqlite3_prepare_v2(m_database.get(), statement.c_str(), -1, &prepared,
                                           nullptr) != SQLITE_OK) {
            m_failed = true;
            return;
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            bind(prepared, static_cast<int>(i) + 1, values[i]);
        }
        m_failed = sqlite3_step(prepared) != SQLITE_DONE;
        sqlite3_finalize(prepared);
    }

    [[nodiscard]] Result<std::string> bytes() const
    {
        sqlite3_int64 size = 0;
        const std::unique_ptr<unsigned char, FreeBytes> image(
            m_failed ? nullptr : sqlite3_serialize(m_database.get(), "main", &size, 0));
        if (!image) {
            return fail(ErrorCode::Internal, "SQLite cannot make the database: " +
                                                 std::string(sqlite3_errmsg(m_database.get())) +
                                                 ".");
        }
        return std::string(reinterpret_cast<const char*>(image.get()),
                           static_cast<std::size_t>(size));
    }

private:
    static void bind(sqlite3_stmt* statement, int place, const Value& value)
    {
        if (const auto* integer = std::get_if<std::int64_t>(&value)) {
            sqlite3_bind_int64(statement, place, *integer);
        } else if (const auto* number = std::get_if<double>(&value)) {
            sqlite3_bind_double(statement, place, *number);
        } else {
            const auto& text = std::get<std::string>(value);
            sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()),
                              SQLITE_TRANSIENT);
        }
    }

    std::unique_ptr<sqlite3, CloseDatabase> m_database;
    bool m_failed = false;
};

/// "2000-01-01 00:00:00.000000" and so many seconds later, as SQLAlchemy stores times.
std::string timeText(double seconds)
{
    constexpr double kMostSeconds = 28 * 86400.0; // of the fixed month
    constexpr std::int64_t kMicro = 1000000;
    const auto whole = static_cast<std::int64_t>(
        std::clamp(std::isfinite(seconds) ? seconds : 0.0, 0.0, kMostSeconds - 1) *
        static_cast<double>(kMicro));
    const std::int64_t second = whole / kMicro;
    return fmt::format("2000-01-{:02} {:02}:{:02}:{:02}.{:06}", second / 86400 + 1,
                       second / 3600 % 24, second / 60 % 60, second % 60, whole % kMicro);
}

std::string jsonText(const Json& value)
{
    return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

const char* stateName(search::TrialState state)
{
    switch (state) {
    case search::TrialState::Complete:
        return "COMPLETE";
    case search::TrialState::Running:
        return "RUNNING";
    case search::TrialState::Failed:
        return "FAIL";
    case search::TrialState::Waiting:
        break;
    }
    return "WAITING";
}

/// All values that a parameter took, sorted: what Optuna calls its distribution.
std::map<std::string, std::vector<std::string>> choicesOf(const search::Study& study)
{
    std::map<std::string, std::set<std::string>> seen;
    for (const search::Trial& trial : study.trials) {
        for (const auto& [name, value] : trial.assignment) {
            seen[name].insert(value);
        }
    }
    std::map<std::string, std::vector<std::string>> choices;
    for (const auto& [name, values] : seen) {
        choices[name].assign(values.begin(), values.end());
    }
    return choices;
}

class StudyWriter {
public:
    StudyWriter(Database& database, const search::Study& study, std::int64_t id,
                std::int64_t firstTrial)
        : m_database(database), m_study(study), m_id(id), m_nextTrial(firstTrial),
          m_choices(choicesOf(study))
    {
    }

    /// Returns the identifier of the next study's first trial.
    std::int64_t write(const std::string& name)
    {
        m_database.add("studies", {name});
        m_database.add("study_directions", {std::string("MAXIMIZE"), m_id, std::int64_t{0}});
        m_database.add("study_directions", {std::string("MINIMIZE"), m_id, std::int64_t{1}});
        attribute("study_system_attributes", m_id, "study:metric_names",
                  Json::array({"metric", "size"}));
        const search::StudyDescription& about = m_study.description;
        attribute("study_user_attributes", m_id, "tuner", about.tuner);
        attribute("study_user_attributes", m_id, "goal", about.goal);
        attribute("study_user_attributes", m_id, "data", about.dataDescription);
        attribute("study_user_attributes", m_id, "reference_size", m_study.referenceSize);
        for (const search::Trial& trial : m_study.trials) {
            write(trial);
        }
        return m_nextTrial;
    }

private:
    void attribute(const char* table, std::int64_t owner, const char* key, const Json& value)
    {
        m_database.add(table, {owner, std::string(key), jsonText(value)});
    }

    void value(std::int64_t trial, std::int64_t objective, double number)
    {
        if (std::isfinite(number)) {
            m_database.add("trial_values", {trial, objective, number, std::string("FINITE")});
        } else {
            m_database.insert("INSERT INTO trial_values VALUES (NULL,?,?,NULL,?)",
                              {trial, objective, std::string(number > 0 ? "INF_POS" : "INF_NEG")});
        }
    }

    void write(const search::Trial& trial)
    {
        const std::int64_t id = m_nextTrial++;
        m_database.add("trials",
                       {std::int64_t{trial.number}, m_id, std::string(stateName(trial.state)),
                        timeText(m_clock), timeText(m_clock + trial.seconds)});
        m_clock += std::isfinite(trial.seconds) ? trial.seconds : 0.0;
        if (trial.state == search::TrialState::Complete) {
            value(id, 0, trial.metric);
            value(id, 1, trial.trialSize);
        }
        for (const auto& [name, chosen] : trial.assignment) {
            writeParameter(id, name, chosen);
        }
        const auto add = [&](const char* key, const Json& content) {
            attribute("trial_user_attributes", id, key, content);
        };
        add("score", trial.score);
        add("metric_error", trial.metricError);
        add("bits", trial.cost.bits);
        add("energy_pj", trial.cost.energyPicojoule);
        add("cycles", trial.cost.cycles);
        add("seed", trial.seed);
        if (!trial.failure.empty()) {
            add("failure", trial.failure);
        }
    }

    void writeParameter(std::int64_t trial, const std::string& name, const std::string& chosen)
    {
        const std::vector<std::string>& choices = m_choices.at(name);
        const auto index = std::ranges::find(choices, chosen) - choices.begin();
        const Json distribution{{"name", "CategoricalDistribution"},
                                {"attributes", {{"choices", choices}}}};
        m_database.add("trial_params",
                       {trial, name, static_cast<double>(index), jsonText(distribution)});
    }

    Database& m_database;
    const search::Study& m_study;
    std::int64_t m_id;
    std::int64_t m_nextTrial;
    std::map<std::string, std::vector<std::string>> m_choices;
    double m_clock = 0; ///< trials one after another
};

/// Names of studies are unique there.
std::string uniqueName(std::string name, std::set<std::string>& taken)
{
    const std::string base = name.empty() ? "study" : name;
    name = base;
    for (int i = 2; !taken.insert(name).second; ++i) {
        name = fmt::format("{} {}", base, i);
    }
    return name;
}

} // namespace

Result<io::ExportContent> exportOptuna(const Project& project)
{
    Database database;
    database.run("BEGIN");
    database.run(kSchema);
    database.add("version_info", {std::int64_t{kSchemaVersion}, std::string(kLibraryVersion)});
    database.insert("INSERT INTO alembic_version VALUES (?)", {std::string(kAlembicVersion)});
    std::set<std::string> taken;
    std::int64_t study = 0;
    std::int64_t trial = 1;
    for (const auto& held : project.studies) {
        trial = StudyWriter(database, *held, ++study, trial)
                    .write(uniqueName(held->description.name, taken));
    }
    database.run("COMMIT");
    auto bytes = database.bytes();
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return io::singleFile(std::move(*bytes));
}

} // namespace bitscape::project
