using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>When a frame is sent, and in which form.</summary>
    public class CameraFrame
    {
        public int Index;
        public double BeginNs;
        public int Rows;
        public int RowBytes;
        /// <summary>From the beginning of VSYNC to the first byte.</summary>
        public double FirstRowNs;
        public double RowNs;
        public double ByteNs;
        public bool VsyncIsHigh;
        public bool HrefIsHigh;
    }

    /// <summary>A camera on a parallel port, in virtual time.</summary>
    public interface ICameraSource
    {
        /// <summary>Returns the first frame that begins then or later; null while none is sent.</summary>
        CameraFrame NextFrame(double timeNs);

        /// <summary>Returns all bytes of a frame.</summary>
        byte[] Data(CameraFrame frame);
    }

    /// <summary>
    /// The digital camera interface of STM32F7 and H7 (RM0433): snapshot and continuous capture with hardware
    /// synchronisation, the window of CWSTRT and CWSIZE, frame and VSYNC interrupts. The words of a frame are handed on when
    /// its last byte has come, by pulses of `DMARequest` as long as they take words from DR; what is left is an overrun.
    /// Not modelled: lines, words one by one, frames left out, embedded synchronisation, JPEG, other widths.
    /// </summary>
    public class Dcmi : TimedRegisters
    {
        public Dcmi(CoreClock core) : base(core)
        {
        }

        public void Attach(ICameraSource source)
        {
            camera = source;
        }

        public override void Reset()
        {
            base.Reset();
            words.Clear();
            IRQ.Unset();
        }

        public override uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case Data:
                return words.Count > 0 ? words.Dequeue() : 0;
            case Status:
                return words.Count > 0 ? NotEmpty : 0;
            case MaskedStatus:
                return this[RawStatus] & this[InterruptEnable];
            case InterruptClear:
                return 0;
            default:
                return base.ReadDoubleWord(offset);
            }
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case Control:
                SetControl(value);
                break;
            case InterruptClear:
                this[RawStatus] &= ~value;
                break;
            case Status:
            case RawStatus:
            case MaskedStatus:
            case Data:
                break;
            default:
                base.WriteDoubleWord(offset, value);
                break;
            }
            Update();
        }

        public GPIO IRQ { get; } = new GPIO();

        public GPIO DMARequest { get; } = new GPIO();

        private void SetControl(uint value)
        {
            var wasOn = Has(Control, Enable);
            this[Control] = value;
            if((value & Unmodelled) != 0)
            {
                this.Log(LogLevel.Warning, "Not modelled: bits 0x{0:X} of CR", value & Unmodelled);
            }
            if(wasOn && (value & Enable) == 0)
            {
                Cancel("frame");
                Cancel("data");
                words.Clear();
            }
            else if(!wasOn && (value & Enable) != 0)
            {
                AwaitFrame();
            }
        }

        private void AwaitFrame()
        {
            var frame = camera == null ? null : camera.NextFrame(Core.NowNs);
            if(frame == null)
            {
                After("frame", IdleLookNs, AwaitFrame);
                return;
            }
            At("frame", frame.BeginNs, () => Begin(frame.BeginNs));
        }

        /// <summary>Begins a frame, unless the camera has been set up otherwise since it was planned.</summary>
        private void Begin(double plannedNs)
        {
            var frame = camera.NextFrame(plannedNs - RoundingNs);
            if(frame == null || frame.BeginNs > plannedNs + RoundingNs)
            {
                AwaitFrame();
                return;
            }
            Raise(VsyncEvent);
            At("frame", frame.BeginNs + frame.FirstRowNs + frame.Rows * frame.RowNs, AwaitFrame);
            if(Has(Control, CaptureOn) && IsSynchronised(frame))
            {
                Capture(frame);
            }
        }

        private bool IsSynchronised(CameraFrame frame)
        {
            var suits = Has(Control, VsyncPolarity) == frame.VsyncIsHigh && Has(Control, HsyncPolarity) != frame.HrefIsHigh;
            if(!suits)
            {
                this.Log(LogLevel.Warning, "Polarities of VSYNC or HSYNC do not suit the camera; nothing is captured");
            }
            return suits;
        }

        private void Capture(CameraFrame frame)
        {
            int row = 0, first = 0, rows = frame.Rows, length = frame.RowBytes;
            if(Has(Control, Crop))
            {
                row = Math.Min((int)(this[WindowStart] >> 16 & 0x1FFF), frame.Rows);
                first = Math.Min((int)(this[WindowStart] & 0x3FFF), frame.RowBytes);
                rows = Math.Min((int)(this[WindowSize] >> 16 & 0x3FFF) + 1, frame.Rows - row);
                length = Math.Min((int)(this[WindowSize] & 0x3FFF) + 1, frame.RowBytes - first);
            }
            var data = camera.Data(frame);
            var captured = Enumerable.Range(row, rows)
                .SelectMany(one => new ArraySegment<byte>(data, one * frame.RowBytes + first, length)).ToArray();
            var endNs = frame.BeginNs + frame.FirstRowNs + (row + rows - 1) * frame.RowNs + (first + length) * frame.ByteNs;
            At("data", endNs, () => HandOn(captured));
        }

        private void HandOn(byte[] captured)
        {
            words.Clear();
            for(var place = 0; place + 4 <= captured.Length; place += 4)
            {
                words.Enqueue(BitConverter.ToUInt32(captured, place));
            }
            for(var before = words.Count + 1; words.Count > 0 && words.Count < before;)
            {
                before = words.Count;
                DMARequest.Set(true);
                DMARequest.Set(false);
            }
            if(words.Count > FifoWords)
            {
                words = new Queue<uint>(words.Take(FifoWords));
                Raise(OverrunEvent);
            }
            if(Has(Control, Snapshot))
            {
                this[Control] &= ~CaptureOn;
            }
            Raise(FrameEvent);
        }

        private void Raise(uint flag)
        {
            this[RawStatus] |= flag;
            Update();
        }

        private void Update()
        {
            IRQ.Set((this[RawStatus] & this[InterruptEnable]) != 0);
        }

        private ICameraSource camera;
        private Queue<uint> words = new Queue<uint>();

        private const double IdleLookNs = 1e6;
        private const double RoundingNs = 1e3;
        /// <summary>As in the DCMI of the STM32F4: an assumption for the H7.</summary>
        private const int FifoWords = 4;

        private const long Control = 0x00;
        private const long Status = 0x04;
        private const long RawStatus = 0x08;
        private const long InterruptEnable = 0x0C;
        private const long MaskedStatus = 0x10;
        private const long InterruptClear = 0x14;
        private const long WindowStart = 0x20;
        private const long WindowSize = 0x24;
        private const long Data = 0x28;

        private const uint CaptureOn = 1;
        private const uint Snapshot = 1 << 1;
        private const uint Crop = 1 << 2;
        private const uint HsyncPolarity = 1 << 6;
        private const uint VsyncPolarity = 1 << 7;
        private const uint Enable = 1 << 14;
        /// <summary>JPEG, embedded synchronisation, frames left out, other widths, selected bytes and lines.</summary>
        private const uint Unmodelled = 1 << 3 | 1 << 4 | 3 << 8 | 3 << 10 | 0x1F << 16;
        private const uint NotEmpty = 1 << 2;
        private const uint FrameEvent = 1;
        private const uint OverrunEvent = 1 << 1;
        private const uint VsyncEvent = 1 << 3;
    }
}
