// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/tuner.h"

#include "core/base/rng.h"
#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <set>

namespace bitscape::search {

namespace {

constexpr int kCollisions = 20;    // draws before looking nearby, as many as keras-tuner allows
constexpr int kLimitedDraws = 200; // where limits throw draws away
constexpr int kSteps = 10000;      // assignments looked at nearby
constexpr int kLimitedSteps = 500; // each of which is measured

/// Every choice drawn by itself, uniformly.
class RandomTuner final : public Tuner {
public:
    explicit RandomTuner(TunerInput input) : m_input(std::move(input))
    {
        for (const Choice& choice : m_input.choices) {
            m_values.push_back(usableValues(choice));
            m_cheapFirst.push_back(byBits(choice));
        }
    }

    [[nodiscard]] std::optional<Assignment> ask(int number) override
    {
        while (static_cast<int>(m_asked.size()) <= number) {
            auto next = propose(m_asked.size());
            if (!next) {
                return std::nullopt;
            }
            m_used.insert(*next);
            m_asked.push_back(std::move(*next));
        }
        return assignmentOf(m_asked[static_cast<std::size_t>(number)]);
    }

private:
    using Point = std::vector<std::size_t>; ///< index of the value of every choice

    [[nodiscard]] Assignment assignmentOf(const Point& point) const
    {
        Assignment assignment;
        for (std::size_t i = 0; i < point.size(); ++i) {
            assignment[m_input.choices[i].name] = m_values[i][point[i]];
        }
        return assignment;
    }

    [[nodiscard]] bool isNew(const Point& point) const
    {
        return !m_used.contains(point) &&
               (!m_input.allowed || m_input.allowed(assignmentOf(point)));
    }

    [[nodiscard]] std::optional<Point> propose(std::size_t number) const
    {
        if (std::ranges::any_of(m_values, [](const auto& values) { return values.empty(); })) {
            return std::nullopt;
        }
        Rng rng = Rng(m_input.seed).split("trial").split(number);
        Point point(m_values.size());
        const int draws = m_input.allowed ? kLimitedDraws : kCollisions + 1;
        for (int draw = 0; draw < draws; ++draw) {
            for (std::size_t i = 0; i < point.size(); ++i) {
                point[i] = rng.below(m_values[i].size());
            }
            if (isNew(point)) {
                return point;
            }
        }
        if (m_input.allowed) {
            if (auto cheaper = cheapen(point, rng)) {
                return cheaper;
            }
        }
        return walk(std::move(point));
    }

    /// Takes the cheapest value for one choice after the other, in random order, until the limits
    /// are met.
    [[nodiscard]] std::optional<Point> cheapen(Point point, Rng& rng) const
    {
        std::vector<std::size_t> order(point.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        rng.shuffle(std::span(order));
        for (const std::size_t i : order) {
            const auto found = std::ranges::find(m_values[i], m_cheapFirst[i].front());
            point[i] = static_cast<std::size_t>(found - m_values[i].begin());
            if (isNew(point)) {
                return point;
            }
        }
        return std::nullopt;
    }

    /// Counts on from the point until a new one comes; absent after all of a small space.
    [[nodiscard]] std::optional<Point> walk(Point point) const
    {
        const Point start = point;
        const int steps = m_input.allowed ? kLimitedSteps : kSteps;
        for (int step = 0; step < steps; ++step) {
            for (std::size_t i = 0; i < point.size(); ++i) {
                point[i] = (point[i] + 1) % m_values[i].size();
                if (point[i] != 0) {
                    break;
                }
            }
            if (point == start) {
                return std::nullopt;
            }
            if (isNew(point)) {
                return point;
            }
        }
        return std::nullopt;
    }

    TunerInput m_input;
    std::vector<std::vector<std::string>> m_values, m_cheapFirst; ///< per choice
    std::vector<Point> m_asked;
    std::set<Point> m_used;
};

} // namespace

std::span<const TunerInfo> tuners()
{
    static const std::array table{
        TunerInfo{"random", "Every choice drawn by itself; no trial twice.",
                  [](TunerInput input) -> std::unique_ptr<Tuner> {
                      return std::make_unique<RandomTuner>(std::move(input));
                  }}};
    return table;
}

Result<const TunerInfo*> findTuner(std::string_view name)
{
    const auto found = std::ranges::find(tuners(), name, &TunerInfo::name);
    if (found != tuners().end()) {
        return &*found;
    }
    std::vector<std::string> known;
    for (const TunerInfo& row : tuners()) {
        known.emplace_back(row.name);
    }
    return fail(ErrorCode::InvalidArgument, fmt::format("There is no tuner '{}'.", name), "--tuner",
                "This release has " + join(known, ", ") + ".");
}

} // namespace bitscape::search
