// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/activation.h"
#include "core/graph/configuration.h"
#include "core/graph/execution.h"
#include "core/graph/graph.h"
#include "core/graph/layers/layer_kernel.h"

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace bitscape::graph {

/// A tensor of the program: a buffer, or a network input (read only); neither: none.
struct Ref {
    int buffer = -1;
    int input = -1;
};

/// Memory of a tensor. A local one lives within one stage and is a chunk's own; a global one holds
/// the whole batch.
struct Buffer {
    Index floats = 0; ///< per sample
    bool isGlobal = false;
    Index offset = 0; ///< per sample of the chunk, or of the batch
};

/// A layer in the program.
struct Node {
    Shape shape; ///< of the output, without batch
    Activation activation;
    std::optional<std::pair<float, float>> clamp; ///< the activation, where the kernel does it
    bool activatesInForward = false; ///< on the blocks of Work::Forward, else by Work::Activate
    bool readsOutput = false;
    bool flows = false; ///< a gradient passes through
    Ref z, y;           ///< before and after the activation; may be the same
    Ref again;          ///< z, made a second time on the way back instead of kept
    Ref values;         ///< that the gradient of the activation is computed from
    int gradient = -1;  ///< buffer of dy, which becomes dz
    int saved = -1;
    std::vector<Ref> inputs;
    std::vector<int> inputGradients; ///< buffers; −1 where none is wanted
    std::unique_ptr<bool[]> adds;    ///< per input: add to what is there
};

enum class Work {
    Forward,      ///< a phase of the kernel; after a stage: finishForward()
    Activate,     ///< z → y
    Repeat,       ///< a phase of the kernel on the way back, into `again`
    LoadUpstream, ///< of output number `phase`
    Penalize,     ///< adds the gradient of penalty number `phase` to dy
    Deactivate,   ///< dy → dz, in place
    Backward,     ///< a phase of the kernel; after a stage: finishBackward()
};

struct Action {
    Work work = Work::Forward;
    int layer = 0;
    int phase = 0;
    bool adds = false;
};

/// What every chunk of samples does without waiting for the others, then what is done once.
struct Stage {
    std::vector<Action> actions;
    std::vector<Action> after;
};

/// A training step as stages, with its memory planned.
struct TrainingProgram {
    std::vector<Node> nodes; ///< per layer
    std::vector<Buffer> buffers;
    std::vector<Stage> stages; ///< forward, then backward
    int forwardStages = 0;
    Index localFloats = 0;  ///< per sample of a chunk
    Index globalFloats = 0; ///< per sample of the batch
    Index widestStage = 0;  ///< floats of global tensors per sample that one stage touches, at most
};

using LayerKernels = std::vector<std::unique_ptr<LayerKernel>>; ///< per layer

struct ProgramOptions {
    bool inputGradients = false;
    std::span<const ActivityPenalty> penalties = {};
};

/// Kernels are prepared for training.
[[nodiscard]] TrainingProgram makeTrainingProgram(const Graph& graph,
                                                  const Configuration& configuration,
                                                  const LayerKernels& kernels,
                                                  const ProgramOptions& options);

} // namespace bitscape::graph
