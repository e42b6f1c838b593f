// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>

#include <optional>
#include <string>
#include <vector>

namespace bitscape::app {

/// A trial by the name of its study and its number.
struct TrialId {
    std::string study;
    int number = 0;

    bool operator==(const TrialId&) const = default;
};

/// Layers and the trial that commands act on; one for all views.
class Selection final : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    [[nodiscard]] const std::vector<std::string>& layers() const { return m_layers; }
    /// The first selected layer; empty if none is.
    [[nodiscard]] std::string layer() const { return m_layers.empty() ? "" : m_layers.front(); }
    void setLayers(std::vector<std::string> layers);
    [[nodiscard]] const std::optional<TrialId>& trial() const { return m_trial; }
    void setTrial(std::optional<TrialId> trial);
    void clear();

Q_SIGNALS:
    void layersChanged();
    void trialChanged();

private:
    std::vector<std::string> m_layers;
    std::optional<TrialId> m_trial;
};

} // namespace bitscape::app
