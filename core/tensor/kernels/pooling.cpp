// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"

namespace bitscape::kernels {

namespace {

/// Calls visit(offset of the input element, offset of the output element, elements in the window)
/// for every tap inside the image, window by window, taps in row-major order. begin and end frame
/// each window.
template <class Begin, class Visit, class End>
void forEachWindow(const Pool& pool, const Begin& begin, const Visit& visit, const End& end)
{
    for (Index oh = 0; oh < pool.outHeight; ++oh) {
        const Index top = oh * pool.strideHeight - pool.padTop;
        const Index firstRow = top < 0 ? 0 : top;
        const Index pastRow =
            top + pool.windowHeight < pool.height ? top + pool.windowHeight : pool.height;
        for (Index ow = 0; ow < pool.outWidth; ++ow) {
            const Index left = ow * pool.strideWidth - pool.padLeft;
            const Index firstColumn = left < 0 ? 0 : left;
            const Index pastColumn =
                left + pool.windowWidth < pool.width ? left + pool.windowWidth : pool.width;
            const Index out = (oh * pool.outWidth + ow) * pool.channels;
            begin(out, (pastRow - firstRow) * (pastColumn - firstColumn));
            for (Index ih = firstRow; ih < pastRow; ++ih) {
                for (Index iw = firstColumn; iw < pastColumn; ++iw) {
                    visit((ih * pool.width + iw) * pool.channels, out);
                }
            }
            end(out);
        }
    }
}

void nothing(Index /*out*/) {}

} // namespace

void maxPool(const Pool& pool, const float* x, float* y)
{
    bool isFirst = true;
    forEachWindow(
        pool, [&](Index, Index) { isFirst = true; },
        [&](Index in, Index out) {
            const float* from = x + in;
            float* to = y + out;
            if (isFirst) {
                for (Index c = 0; c < pool.channels; ++c) {
                    to[c] = from[c];
                }
                isFirst = false;
                return;
            }
            for (Index c = 0; c < pool.channels; ++c) {
                to[c] = from[c] > to[c] ? from[c] : to[c];
            }
        },
        nothing);
}

void maxPoolGradient(const Pool& pool, const float* x, const float* y, const float* dy, float* dx,
                     float* open)
{
    forEachWindow(
        pool,
        [&](Index out, Index) {
            for (Index c = 0; c < pool.channels; ++c) {
                open[c] = dy[out + c];
            }
        },
        [&](Index in, Index out) {
            const float* from = x + in;
            const float* largest = y + out;
            float* to = dx + in;
            for (Index c = 0; c < pool.channels; ++c) {
                const bool isLargest = from[c] == largest[c];
                to[c] += isLargest ? open[c] : 0.0F;
                open[c] = isLargest ? 0.0F : open[c];
            }
        },
        nothing);
}

void averagePool(const Pool& pool, const float* x, float* y)
{
    Index elements = 1;
    forEachWindow(
        pool,
        [&](Index out, Index inside) {
            elements = inside;
            for (Index c = 0; c < pool.channels; ++c) {
                y[out + c] = 0.0F;
            }
        },
        [&](Index in, Index out) {
            for (Index c = 0; c < pool.channels; ++c) {
                y[out + c] += x[in + c];
            }
        },
        [&](Index out) {
            const float count = static_cast<float>(elements);
            for (Index c = 0; c < pool.channels; ++c) {
                y[out + c] /= count;
            }
        });
}

void averagePoolGradient(const Pool& pool, const float* dy, float* dx)
{
    float count = 1.0F;
    forEachWindow(
        pool, [&](Index, Index inside) { count = static_cast<float>(inside); },
        [&](Index in, Index out) {
            for (Index c = 0; c < pool.channels; ++c) {
                dx[in + c] += dy[out + c] / count;
            }
        },
        nothing);
}

} // namespace bitscape::kernels
