"""Converts the pretrained networks that Bifrons uses into small ONNX files.

Each network comes inside somebody's published package, in the format of the
framework it was trained with. Here it becomes plain ONNX (opset 13, NCHW,
weights stored as 16-bit floats) that the Rust side runs without knowing where
it came from. Every network that looks at a picture takes the same thing: one
input called ``image``, shape ``[1, 3, height, width]``, RGB, values in
``[0, 1]``. What a network wanted instead (0..255, BGR, a mean subtracted) is
built into its file.

``sources``   which package files are read, and their sha256
``graph``     a small builder for ONNX graphs
``simplify``  merges constant arithmetic into the convolutions before it
``half``      stores weights as 16-bit floats
``centerface``, ``mediapipe``, ``faceres``, ``dlib``   one network family each
"""
