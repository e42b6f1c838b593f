// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/selection.h"

#include <utility>

namespace bitscape::app {

void Selection::setLayers(std::vector<std::string> layers)
{
    if (m_layers != layers) {
        m_layers = std::move(layers);
        Q_EMIT layersChanged();
    }
}

void Selection::setTrial(std::optional<TrialId> trial)
{
    if (m_trial != trial) {
        m_trial = std::move(trial);
        Q_EMIT trialChanged();
    }
}

void Selection::clear()
{
    setLayers({});
    setTrial(std::nullopt);
}

} // namespace bitscape::app
