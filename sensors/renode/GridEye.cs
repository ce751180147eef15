using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Exceptions;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.I2C;
using Antmicro.Renode.Peripherals.Sensor;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;
using Antmicro.Renode.Utilities;
using Antmicro.Renode.Utilities.RESD;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// A Panasonic Grid-EYE AMG88xx, 8 x 8 infrared array, that shows the frames of a RESD file one after the
    /// other. Source: Reference Specifications AMG88**, 4 February 2016, sections 4-10 and 4-11. The same model
    /// in Python is sensors/amg8833.py; both answer alike, byte for byte.
    ///
    /// Modelled: all registers, power modes (normal, sleep, stand-by of 60 and 10 s), start-up without
    /// acknowledge, initial and flag reset, 10 and 1 frames/s, averages, interrupts in both modes. All pixels
    /// change together and never within a transaction. Not modelled: warm-up errors, the noise of other frame
    /// rates than the recording's. A reset of the machine is one of the chip: the sensor has no reset line and
    /// keeps its registers; PowerOff and PowerOn switch its supply.
    ///
    /// The INT line is open drain: Interrupt is true while released and false while the sensor pulls it low.
    /// </summary>
    public class GridEye : II2CPeripheral, ISensor, IAcknowledging
    {
        /// <param name="machine">The machine, given by Renode.</param>
        /// <param name="strict">Whether writes that the specification does not provide for are ignored.</param>
        /// <param name="firstFrameNs">When frame 0 is measured; -1: half a frame before pixels are first read.</param>
        /// <param name="powerOnNs">When the supply comes up.</param>
        /// <param name="startUpNs">How long the sensor does not acknowledge after that; datasheet, p. 2.</param>
        /// <param name="standbyShortNs">Period of stand-by 0x21; datasheet, p. 2.</param>
        /// <param name="standbyLongNs">Period of stand-by 0x20; datasheet, p. 2.</param>
        /// <param name="announcesStop">False behind a controller that never calls FinishTransmission.</param>
        public GridEye(IMachine machine, bool strict = true, long firstFrameNs = -1, long powerOnNs = 0,
            long startUpNs = 50000000, long standbyShortNs = 10000000000, long standbyLongNs = 60000000000,
            bool announcesStop = true)
        {
            this.machine = machine;
            this.strict = strict;
            this.startUpNs = startUpNs;
            this.standbyShortNs = standbyShortNs;
            this.standbyLongNs = standbyLongNs;
            this.announcesStop = announcesStop;
            AwaitFirstFrame(firstFrameNs);
            modeSinceNs = powerOnNs;
            isOn = true;
            Interrupt = new GPIO();
            Interrupt.Set(true);
            nextUpdate = new LimitTimer(machine.ClockSource, NsPerSecond, this, "next frame",
                workMode: WorkMode.OneShot, eventEnabled: true);
            nextUpdate.LimitReached += OnNextUpdate;
            answersFromNs = StartUp(powerOnNs);
        }

        /// <summary>Takes the frames of a RESD file as written by `twin sense`, from the first one on.</summary>
        public void FeedFramesFromRESD(string file, uint channel = 0)
        {
            recording = GridEyeRecording.Read(file, channel);
            registers = new GridEyeFrameRegisters(recording);
            AwaitFirstFrame(requestedFirstFrameNs);
            updates = 0;
            latchedFrame = 0;
            UpdatePin();
            PlanNextUpdate(NowNs());
        }

        public bool Acknowledges(bool read)
        {
            var nowNs = NowNs();
            var answers = Begin(nowNs, read);
            UpdatePin();
            PlanNextUpdate(nowNs);
            return answers;
        }

        public void Write(byte[] data)
        {
            var nowNs = NowNs();
            if(direction != Direction.Write || !announcesStop)
            {
                BeginUnannounced(nowNs, false);
            }
            if(isAnswering)
            {
                foreach(var value in data)
                {
                    WriteByte(nowNs, value);
                }
            }
            UpdatePin();
            PlanNextUpdate(nowNs);
        }

        public byte[] Read(int count = 1)
        {
            var nowNs = NowNs();
            if(direction != Direction.Read)
            {
                BeginUnannounced(nowNs, true);
            }
            var answer = new byte[count];
            for(var i = 0; i < count; i++)
            {
                answer[i] = isAnswering ? ReadByte() : (byte)0xFF;
            }
            UpdatePin();
            PlanNextUpdate(nowNs);
            return answer;
        }

        public void FinishTransmission()
        {
            var nowNs = NowNs();
            End();
            Look(nowNs);
            PlanNextUpdate(nowNs);
        }

        public void Reset()
        {
            // The transaction is gone with the controller; the sensor itself takes no part in a reset of the chip.
            End();
            PlanNextUpdate(NowNs());
        }

        /// <summary>Cuts the supply: the sensor leaves the bus and forgets its registers.</summary>
        public void PowerOff()
        {
            if(!isOn)
            {
                return;
            }
            var nowNs = NowNs();
            var startNs = states[0].Key;
            End();
            isOn = false;
            states.RemoveAll(mark => mark.Key >= nowNs);
            states.Add(new KeyValuePair<long, State>(Math.Max(nowNs, startNs), State.Off));
            UpdatePin();
            PlanNextUpdate(nowNs);
        }

        /// <summary>Restores the supply: registers are at their initial values, the recording has gone on.</summary>
        public void PowerOn()
        {
            if(isOn)
            {
                return;
            }
            isOn = true;
            power = PowerMode.Normal;
            rate = 0;
            average = 0;
            unlocked = 0;
            Array.Clear(levels, 0, levels.Length);
            interrupts.PowerCycle();
            pointer = 0;
            wokenNs = NoTime;
            resetNs = NoTime;
            answersFromNs = StartUp(NowNs());
            if(registers != null)
            {
                registers.ThermistorWord = 0;
            }
            ForgetTemperatures(answersFromNs);
            UpdatePin();
        }

        /// <summary>Level of the INT line: true while released, false while the sensor pulls it low.</summary>
        public GPIO Interrupt { get; private set; }

        /// <summary>Frames of the file that was fed, 0 without one.</summary>
        public int FrameCount { get { return recording == null ? 0 : recording.Count; } }

        /// <summary>Index of the frame that pixel reads were last served from.</summary>
        public int LatchedFrame { get { return latchedFrame; } }

        /// <summary>When frame 0 is measured; -1 while nobody knows. To be set before the machine starts.</summary>
        public long FirstFrameNs
        {
            get { return recordingHasBegun ? firstFrameNs : -1; }
            set
            {
                AwaitFirstFrame(value);
                PlanNextUpdate(NowNs());
            }
        }

        /// <summary>Time stamp of the first sample in the file that was fed.</summary>
        public long RecordingStartNs { get { return recording == null ? 0 : recording.StartNs; } }

        /// <summary>Ignored writes: reserved or read-only register, forbidden value, locked, asleep.</summary>
        public int RejectedWrites { get { return rejectedWrites; } }

        /// <summary>What the specification forbids and the sensor nevertheless did.</summary>
        public string[] BrokenRules { get { return brokenRules.ToArray(); } }

        public string PowerState { get { return StateAt(NowNs()).ToString(); } }

        public long TimeInStartUpNs { get { return ResidencyNs(State.StartUp); } }

        public long TimeInNormalNs { get { return ResidencyNs(State.Normal); } }

        public long TimeInStandbyNs { get { return ResidencyNs(State.Standby); } }

        public long TimeInSleepNs { get { return ResidencyNs(State.Sleep); } }

        public long TimeOffNs { get { return ResidencyNs(State.Off); } }

        private long NowNs()
        {
            ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                // Otherwise time stands at the beginning of the block of instructions.
                cpu.SyncTime();
            }
            return (long)machine.ClockSource.CurrentValue.TotalNanoseconds;
        }

        private void AwaitFirstFrame(long atNs)
        {
            requestedFirstFrameNs = atNs;
            firstFrameNs = atNs;
            recordingHasBegun = atNs >= 0;
        }

        private long StartUp(long nowNs)
        {
            states.Add(new KeyValuePair<long, State>(nowNs, State.StartUp));
            states.Add(new KeyValuePair<long, State>(nowNs + startUpNs, State.Normal));
            return nowNs + startUpNs;
        }

        // ---- the bus -------------------------------------------------------------------------------------------

        private void BeginUnannounced(long nowNs, bool read)
        {
            if(!announcesStop && !read)
            {
                End();
            }
            if(!Begin(nowNs, read))
            {
                this.Log(LogLevel.Debug, "Addressed while it does not acknowledge");
            }
        }

        private bool Begin(long nowNs, bool read)
        {
            direction = read ? Direction.Read : Direction.Write;
            isAnswering = isOn && nowNs >= answersFromNs;
            if(!isAnswering)
            {
                return false;
            }
            if(!isOpen)
            {
                BringUpToDate(nowNs);
                isOpen = true;
            }
            expectsPointer = !read;
            if(read)
            {
                NoteEarlyRead(nowNs);
                StartRecording(nowNs);
            }
            return true;
        }

        private void End()
        {
            direction = Direction.None;
            isAnswering = false;
            isOpen = false;
        }

        private void WriteByte(long nowNs, byte value)
        {
            if(expectsPointer)
            {
                pointer = value;
                expectsPointer = false;
                return;
            }
            if(!WriteRegister(nowNs, pointer, value))
            {
                rejectedWrites++;
                this.Log(LogLevel.Warning, "Ignored write of 0x{0:X2} to register 0x{1:X2}", value, pointer);
            }
            pointer++;
        }

        private byte ReadByte()
        {
            return ReadRegister(pointer++);
        }

        // Frame 0 is measured half a frame before valid pixels are first read.
        private void StartRecording(long nowNs)
        {
            if(recordingHasBegun || pointer < FirstPixel || power == PowerMode.Sleep || AwaitsReset)
            {
                return;
            }
            if(recording == null)
            {
                this.Log(LogLevel.Error, "There are no frames; use FeedFramesFromRESD");
                return;
            }
            firstFrameNs = nowNs - FramePeriodNs / 2;
            recordingHasBegun = true;
            if(power == PowerMode.Normal)
            {
                Show(0);
                updates = 1;
            }
        }

        // ---- registers -----------------------------------------------------------------------------------------

        private byte ReadRegister(byte register)
        {
            if(power == PowerMode.Sleep && (strict || register != PowerControl))
            {
                return 0xFF;
            }
            if(register >= FirstPixel)
            {
                latchedFrame = registers == null ? 0 : registers.Frame;
                return registers == null ? (byte)0 : registers.PixelByte(register - FirstPixel);
            }
            if(register >= InterruptTable && register < InterruptTable + 8)
            {
                return interrupts.TableByte(register - InterruptTable);
            }
            if(register >= Levels && register < Thermistor)
            {
                return levels[register - Levels];
            }
            return ReadSingleRegister(register);
        }

        private byte ReadSingleRegister(byte register)
        {
            var thermistorWord = registers == null ? 0 : registers.ThermistorWord;
            switch(register)
            {
            case PowerControl:
                return (byte)power;
            case FrameRate:
                return rate;
            case InterruptControl:
                return interrupts.Control;
            case Status:
                return interrupts.Status;
            case Average:
                return average;
            case Thermistor:
                return (byte)thermistorWord;
            case Thermistor + 1:
                return (byte)(thermistorWord >> 8);
            default:
                return 0;
            }
        }

        private bool WriteRegister(long nowNs, byte register, byte value)
        {
            if(power == PowerMode.Sleep && !(register == PowerControl && value == (byte)PowerMode.Normal))
            {
                return false;
            }
            var specified = SpecifiedBits(register);
            if((value & ~specified) != 0)
            {
                if(strict)
                {
                    return false;
                }
                Note("bits that are not specified must not be written");
                value &= specified;
            }
            return WriteSpecified(nowNs, register, value);
        }

        private bool WriteSpecified(long nowNs, byte register, byte value)
        {
            if(register >= Levels && register < Thermistor)
            {
                return WriteLevel(register - Levels, value);
            }
            switch(register)
            {
            case PowerControl:
                return WritePower(nowNs, value);
            case ResetControl:
                return WriteReset(nowNs, value);
            case FrameRate:
                rate = value;
                return true;
            case InterruptControl:
                interrupts.Control = value;
                return true;
            case StatusClear:
                interrupts.Clear(value);
                return true;
            case Average:
                return WriteAverage(value);
            case AverageUnlock:
                return WriteUnlock(value);
            default:
                return false;
            }
        }

        private static byte SpecifiedBits(byte register)
        {
            switch(register)
            {
            case FrameRate:
                return 0x01;
            case InterruptControl:
                return 0x03;
            case StatusClear:
                return 0x06;
            case Average:
                return 0x20;
            case Levels + 1:
            case Levels + 3:
            case Levels + 5:
                return 0x0F;
            default:
                return 0xFF;
            }
        }

        private bool WritePower(long nowNs, byte value)
        {
            if(value == AdafruitSleep && !strict)
            {
                Note("0x01 is no power mode; taken for sleep");
                value = (byte)PowerMode.Sleep;
            }
            if(!Enum.IsDefined(typeof(PowerMode), (PowerMode)value))
            {
                return false;
            }
            if(power == PowerMode.Sleep)
            {
                wokenNs = nowNs;
            }
            power = (PowerMode)value;
            RestartFrames(nowNs);
            states.Add(new KeyValuePair<long, State>(nowNs, StateOf(power)));
            return true;
        }

        private bool WriteReset(long nowNs, byte value)
        {
            if(value != FlagReset && value != InitialReset)
            {
                return false;
            }
            if(value == InitialReset)
            {
                ResetInitially(nowNs);
            }
            else if(resetNs != NoTime && nowNs < resetNs + InitialResetNs - RoundingNs)
            {
                Note("flag reset less than 2 ms after the initial reset");
            }
            interrupts.ResetFlags();
            return true;
        }

        private void ResetInitially(long nowNs)
        {
            if(wokenNs == NoTime)
            {
                Note("initial reset without sleep before it");
                return;
            }
            if(nowNs < wokenNs + WakeNs - RoundingNs)
            {
                Note("initial reset less than 50 ms after waking");
            }
            wokenNs = NoTime;
            resetNs = nowNs;
            ForgetTemperatures(nowNs);
        }

        private bool WriteAverage(byte value)
        {
            if(unlocked < UnlockSequence.Length)
            {
                if(strict)
                {
                    return false;
                }
                Note("average register written without its unlock sequence");
            }
            average = value;
            return true;
        }

        private bool WriteUnlock(byte value)
        {
            var isInOrder = unlocked < UnlockSequence.Length && UnlockSequence[unlocked] == value;
            unlocked = isInOrder ? unlocked + 1 : 0;
            return isInOrder || value == 0;
        }

        private bool WriteLevel(int offset, byte value)
        {
            levels[offset] = value;
            interrupts.SetLevels(Level(0), Level(2), Level(4));
            return true;
        }

        private int Level(int offset)
        {
            var word = levels[offset] | levels[offset + 1] << 8;
            return (word & 0x7FF) - (word & 0x800);
        }

        private void Note(string rule)
        {
            if(!brokenRules.Contains(rule))
            {
                brokenRules.Add(rule);
                this.Log(LogLevel.Warning, "Against the specification: {0}", rule);
            }
        }

        private void NoteEarlyRead(long nowNs)
        {
            if(power == PowerMode.Sleep)
            {
                Note("read while asleep");
            }
            else if(wokenNs != NoTime && pointer != PowerControl)
            {
                Note("read after sleep before the initial reset");
            }
            else if(resetNs != NoTime && IsMeasured(pointer)
                && nowNs < resetNs + SettleFrames * ShownFramePeriodNs - RoundingNs)
            {
                Note("temperatures or flags read less than two frames after the initial reset");
            }
        }

        private static bool IsMeasured(byte register)
        {
            return register == Status || register >= FirstPixel
                || (register >= Thermistor && register < InterruptTable + 8);
        }

        // ---- frames over time ----------------------------------------------------------------------------------

        private long FramePeriodNs { get { return recording == null ? DefaultFramePeriodNs : recording.PeriodNs; } }

        private int SlowFrameLength { get { return recording == null ? 1 : recording.SlowFrameLength; } }

        private long ShownFramePeriodNs { get { return rate == 0 ? FramePeriodNs : SlowFrameLength * FramePeriodNs; } }

        private long StandbyPeriodNs { get { return power == PowerMode.Standby10s ? standbyShortNs : standbyLongNs; } }

        // Woken, a strict sensor shows no frames before the initial reset.
        private bool AwaitsReset { get { return strict && wokenNs != NoTime; } }

        private void ForgetTemperatures(long nowNs)
        {
            if(registers != null)
            {
                registers.ForgetTemperatures(MeasuredBy(nowNs) + 1);
            }
            RestartFrames(nowNs);
        }

        private void RestartFrames(long nowNs)
        {
            modeSinceNs = nowNs;
            updates = UpdatesUntil(nowNs);
        }

        // Updates of the pixel registers that the present mode has had.
        private long UpdatesUntil(long nowNs)
        {
            switch(power)
            {
            case PowerMode.Normal:
                return MeasuredBy(nowNs) + 1;
            case PowerMode.Sleep:
                return updates;
            default:
                return FloorDivide(nowNs - modeSinceNs + StandbyPeriodNs / 1000000000, StandbyPeriodNs);
            }
        }

        // Number of the last frame measured, -1 before the first. A millionth of a frame is forgiven, as frames
        // and events are counted in different roundings.
        private long MeasuredBy(long nowNs)
        {
            if(!recordingHasBegun)
            {
                return -1;
            }
            return Math.Max(FloorDivide(nowNs - firstFrameNs + FramePeriodNs / 1000000, FramePeriodNs), -1);
        }

        private static long FloorDivide(long numerator, long denominator)
        {
            var quotient = numerator / denominator;
            return numerator % denominator < 0 ? quotient - 1 : quotient;
        }

        private void BringUpToDate(long nowNs)
        {
            var due = UpdatesUntil(nowNs);
            if(!AwaitsReset && recording != null)
            {
                if(power == PowerMode.Normal)
                {
                    ShowMissed(due);
                }
                else
                {
                    ShowMissedInStandby(due);
                }
            }
            updates = Math.Max(due, updates);
        }

        // Past the recording's end the last frame repeats; once averages hold nothing else, nothing changes any more
        // until somebody writes to the sensor.
        private long ChangesUntil
        {
            get { return Math.Max(FrameCount, updates) + SettledRepeats * SlowFrameLength; }
        }

        private void ShowMissed(long due)
        {
            var end = Math.Min(due, ChangesUntil);
            for(var number = updates; number < end; number++)
            {
                Show(number);
            }
        }

        private void ShowMissedInStandby(long due)
        {
            var repeats = 0;
            for(var number = updates; number < due && repeats < SettledRepeats; number++)
            {
                var measured = MeasuredBy(modeSinceNs + (number + 1) * StandbyPeriodNs);
                Show(Math.Max(measured, 0));
                repeats += measured > FrameCount ? 1 : 0;
            }
        }

        // Puts a frame into the pixel registers, if it ends one at the chosen rate.
        private void Show(long number)
        {
            var length = rate == 1 && power == PowerMode.Normal ? SlowFrameLength : 1;
            if((number + 1) % length != 0)
            {
                return;
            }
            var previous = registers.Show(number, average == 0 ? length : 2 * length);
            interrupts.Look(registers.Image, previous, recording.LowestSteps, recording.HighestSteps);
        }

        // ---- the INT line --------------------------------------------------------------------------------------

        private void OnNextUpdate()
        {
            // In the clock's own handler time is exact, and the processor must not be asked to synchronise.
            var nowNs = (long)machine.ClockSource.CurrentValue.TotalNanoseconds;
            plannedNs = NoTime;
            Look(nowNs);
            PlanUpdate(nowNs);
        }

        private void Look(long nowNs)
        {
            if(isOn && !isOpen)
            {
                BringUpToDate(nowNs);
            }
            UpdatePin();
        }

        private void UpdatePin()
        {
            Interrupt.Set(!(isOn && power != PowerMode.Sleep && interrupts.PinIsLow));
        }

        private void PlanNextUpdate(long nowNs)
        {
            changesUntil = ChangesUntil;
            PlanUpdate(nowNs);
        }

        // Registers are brought up to date when somebody looks; only a line that may fall needs an event.
        private void PlanUpdate(long nowNs)
        {
            var atNs = NextUpdateNs(nowNs);
            if(atNs == plannedNs)
            {
                return;
            }
            plannedNs = atNs;
            nextUpdate.Enabled = false;
            if(atNs != NoTime)
            {
                nextUpdate.Limit = (ulong)Math.Max(atNs - nowNs, 1);
                nextUpdate.ResetValue();
                nextUpdate.Enabled = true;
            }
        }

        private long NextUpdateNs(long nowNs)
        {
            var mayFall = isOn && !isOpen && recording != null && interrupts.IsEnabled && Interrupt.IsSet;
            if(!mayFall || power == PowerMode.Sleep)
            {
                return NoTime;
            }
            if(power == PowerMode.Normal)
            {
                return recordingHasBegun && updates < changesUntil ? firstFrameNs + (MeasuredBy(nowNs) + 1) * FramePeriodNs : NoTime;
            }
            return modeSinceNs + (UpdatesUntil(nowNs) + 1) * StandbyPeriodNs;
        }

        // ---- time in power states ------------------------------------------------------------------------------

        private State StateAt(long nowNs)
        {
            return states.LastOrDefault(mark => mark.Key <= nowNs).Value;
        }

        private long ResidencyNs(State state)
        {
            var untilNs = NowNs();
            var totalNs = 0L;
            for(var i = 0; i < states.Count; i++)
            {
                var endNs = i + 1 < states.Count ? Math.Min(states[i + 1].Key, untilNs) : untilNs;
                totalNs += states[i].Value == state ? Math.Max(endNs - states[i].Key, 0) : 0;
            }
            return totalNs;
        }

        private static State StateOf(PowerMode mode)
        {
            switch(mode)
            {
            case PowerMode.Normal:
                return State.Normal;
            case PowerMode.Sleep:
                return State.Sleep;
            default:
                return State.Standby;
            }
        }

        private GridEyeRecording recording;
        private GridEyeFrameRegisters registers;
        private long requestedFirstFrameNs;
        private long firstFrameNs;
        private bool recordingHasBegun;
        private long updates;
        private long modeSinceNs;
        private long answersFromNs;
        private long plannedNs = NoTime;
        private long changesUntil;
        private long wokenNs = NoTime;
        private long resetNs = NoTime;
        private int latchedFrame;
        private int rejectedWrites;

        private bool isOn;
        private bool isOpen;
        private bool isAnswering;
        private bool expectsPointer;
        private Direction direction;
        private byte pointer;

        private PowerMode power = PowerMode.Normal;
        private byte rate;
        private byte average;
        private int unlocked;

        private readonly byte[] levels = new byte[6];
        private readonly GridEyeInterrupts interrupts = new GridEyeInterrupts();
        private readonly List<string> brokenRules = new List<string>();
        private readonly List<KeyValuePair<long, State>> states = new List<KeyValuePair<long, State>>();
        private readonly LimitTimer nextUpdate;
        private readonly IMachine machine;
        private readonly bool strict;
        private readonly bool announcesStop;
        private readonly long startUpNs;
        private readonly long standbyShortNs;
        private readonly long standbyLongNs;

        private static readonly byte[] UnlockSequence = { 0x50, 0x45, 0x57 };

        private const byte PowerControl = 0x00;
        private const byte ResetControl = 0x01;
        private const byte FrameRate = 0x02;
        private const byte InterruptControl = 0x03;
        private const byte Status = 0x04;
        private const byte StatusClear = 0x05;
        private const byte Average = 0x07;
        private const byte Levels = 0x08;
        private const byte Thermistor = 0x0E;
        private const byte InterruptTable = 0x10;
        private const byte AverageUnlock = 0x1F;
        private const byte FirstPixel = 0x80;

        private const byte FlagReset = 0x30;
        private const byte InitialReset = 0x3F;
        // What the Adafruit C++ driver writes for sleep; no command of the specification.
        private const byte AdafruitSleep = 0x01;

        // Section 4-11-1: PCTL = 0x00, 50 ms, initial reset, 2 ms, flag reset, two frames.
        private const long WakeNs = 50000000;
        private const long InitialResetNs = 2000000;
        private const long SettleFrames = 2;

        private const long DefaultFramePeriodNs = 100000000;
        private const long RoundingNs = 1;
        private const int SettledRepeats = 4;
        private const long NoTime = long.MinValue;
        private const ulong NsPerSecond = 1000000000;

        private enum Direction
        {
            None,
            Write,
            Read,
        }

        private enum PowerMode : byte
        {
            Normal = 0x00,
            Sleep = 0x10,
            Standby60s = 0x20,
            Standby10s = 0x21,
        }

        private enum State
        {
            Off,
            StartUp,
            Normal,
            Standby,
            Sleep,
        }
    }

    /// <summary>
    /// The registers that hold what was measured: 64 pixels and the thermistor. All pixels change together; frames
    /// are numbered without end, the last one of the recording repeats.
    /// </summary>
    internal class GridEyeFrameRegisters
    {
        public GridEyeFrameRegisters(GridEyeRecording recording)
        {
            this.recording = recording;
            Image = recording.Pixels(0);
            ThermistorWord = recording.ThermistorWord(0);
            hasPrevious = true;
        }

        public byte PixelByte(int index)
        {
            var word = Image[index / 2] & 0xFFF;
            return (byte)(index % 2 == 0 ? word : word >> 8);
        }

        public void ForgetTemperatures(long nextFrame)
        {
            Image = new int[GridEyeRecording.PixelCount];
            hasPrevious = false;
            oldest = nextFrame;
        }

        // Shows the mean of `count` frames, the last of them `number`; returns the image before, null without one.
        public int[] Show(long number, int count)
        {
            var first = Math.Max(Math.Max(number - count + 1, Math.Min(oldest, number)), 0);
            var previous = hasPrevious ? Image : null;
            Image = Mean(first, number);
            hasPrevious = true;
            Frame = (int)Math.Min(number, recording.Count - 1);
            ThermistorWord = recording.ThermistorWord(Frame);
            return previous;
        }

        public int[] Image { get; private set; }

        public int Frame { get; private set; }

        public ushort ThermistorWord { get; set; }

        private int[] Mean(long first, long last)
        {
            var sum = new int[GridEyeRecording.PixelCount];
            for(var number = first; number <= last; number++)
            {
                var pixels = recording.Pixels((int)Math.Min(number, recording.Count - 1));
                for(var i = 0; i < sum.Length; i++)
                {
                    sum[i] += pixels[i];
                }
            }
            return sum.Select(x => (int)Math.Round(x / (double)(last - first + 1), MidpointRounding.ToEven)).ToArray();
        }

        private bool hasPrevious;
        private long oldest;
        private readonly GridEyeRecording recording;
    }

    /// <summary>
    /// The interrupt unit: pixels beyond levels, their table, status flags and INT. Sections 4-11-4 to 4-11-6,
    /// 4-11-8 and 4-11-10. A hysteresis larger than the distance between the levels holds a bit for ever (assumed).
    /// </summary>
    internal class GridEyeInterrupts
    {
        public void PowerCycle()
        {
            Control = 0;
            SetLevels(0, 0, 0);
            ResetFlags();
        }

        public void SetLevels(int upperSteps, int lowerSteps, int hysteresisSteps)
        {
            this.upperSteps = upperSteps;
            this.lowerSteps = lowerSteps;
            this.hysteresisSteps = hysteresisSteps;
        }

        public byte TableByte(int index)
        {
            var bits = 0;
            for(var i = 0; i < 8; i++)
            {
                bits |= isBeyond[8 * index + i] ? 1 << i : 0;
            }
            return (byte)bits;
        }

        public void ResetFlags()
        {
            Array.Clear(isBeyond, 0, isBeyond.Length);
            Status = 0;
        }

        public void Clear(byte mask)
        {
            Status &= (byte)~mask;
            if((mask & LevelFlag) != 0)
            {
                Array.Clear(isBeyond, 0, isBeyond.Length);
            }
        }

        // Compares a new image with the levels; `previous` is null for the first image after a reset.
        public void Look(int[] image, int[] previous, int lowestSteps, int highestSteps)
        {
            for(var i = 0; i < image.Length; i++)
            {
                var change = previous == null ? 0 : image[i] - previous[i];
                LookAt(i, (Control & AbsoluteMode) != 0 ? image[i] : change);
            }
            if(isBeyond.Any(bit => bit))
            {
                Status |= LevelFlag;
            }
            if(image.Any(steps => steps < lowestSteps || steps > highestSteps))
            {
                Status |= OverflowFlag;
            }
        }

        public byte Control { get; set; }

        public byte Status { get; private set; }

        public bool IsEnabled { get { return (Control & Enable) != 0; } }

        public bool PinIsLow { get { return IsEnabled && (Status & LevelFlag) != 0; } }

        private void LookAt(int pixel, int steps)
        {
            var isBack = steps <= upperSteps - hysteresisSteps && steps >= lowerSteps + hysteresisSteps;
            isBeyond[pixel] = steps > upperSteps || steps < lowerSteps || (isBeyond[pixel] && !isBack);
        }

        private int upperSteps;
        private int lowerSteps;
        private int hysteresisSteps;
        private readonly bool[] isBeyond = new bool[GridEyeRecording.PixelCount];

        private const byte Enable = 0x01;
        private const byte AbsoluteMode = 0x02;
        private const byte LevelFlag = 0x02;
        private const byte OverflowFlag = 0x04;
    }

    /// <summary>
    /// Frames out of a RESD file, held in memory because the recording begins when pixels are first read. Blocks
    /// are of constant frequency and binary samples: 64 pixels as int16 in register steps, pixel 1 first, and the
    /// thermistor's register word as uint16, all little endian. What else is to be known stands in the metadata.
    /// </summary>
    internal class GridEyeRecording
    {
        // A RecoverableException says in one line why a file cannot be used.
        public static GridEyeRecording Read(string file, uint channel)
        {
            try
            {
                Require(File.Exists(file), "there is no such file");
                var recording = new GridEyeRecording();
                foreach(var block in new LowLevelRESDParser(file).GetDataBlockEnumerator<BinaryDataSample>())
                {
                    if(block.ChannelId == channel)
                    {
                        recording.Add(block);
                    }
                }
                Require(recording.Count > 0, string.Format("holds no Grid-EYE frames on channel {0}", channel));
                return recording;
            }
            catch(Exception problem)
            {
                // Renode's reader is called by reflection and may fail in many ways; the first cause is the clearest.
                var cause = problem.GetBaseException();
                var lines = cause.Message.Split(new[] { '\r', '\n' }, StringSplitOptions.RemoveEmptyEntries);
                throw new RecoverableException(string.Format("{0}: {1}", file, string.Join(" ", lines)));
            }
        }

        public int[] Pixels(int frame)
        {
            return Array.ConvertAll(pixelSteps[frame], steps => (int)steps);
        }

        public ushort ThermistorWord(int frame)
        {
            return thermistorWords[frame];
        }

        public int Count { get { return pixelSteps.Count; } }

        public long StartNs { get; private set; }

        public long PeriodNs { get; private set; }

        public int LowestSteps { get; private set; }

        public int HighestSteps { get; private set; }

        public int SlowFrameLength { get; private set; }

        public const int PixelCount = 64;

        private void Add(DataBlock<BinaryDataSample> block)
        {
            var constant = block as ConstantFrequencySamplesDataBlock<BinaryDataSample>;
            Require(constant != null, "Grid-EYE frames must have a constant frequency");
            AddHeader(constant);
            var announced = Value<ulong>(constant, "frames");
            var before = (ulong)Count;
            foreach(var sample in constant.Samples)
            {
                AddFrame(((BinaryDataSample)sample.Value).Data);
            }
            Require((ulong)Count - before == announced,
                string.Format("{0} frames are announced and {1} are there", announced, (ulong)Count - before));
        }

        private void AddHeader(ConstantFrequencySamplesDataBlock<BinaryDataSample> block)
        {
            Require(Value<string>(block, "content") == Content && Value<byte>(block, "version") == Version,
                string.Format("must hold {0} of version {1}", Content, Version));
            Require(block.Period > 0 && block.Period <= long.MaxValue / 1000000, "the period of frames is not usable");
            if(Count > 0)
            {
                Require((long)block.Period == PeriodNs && (long)block.StartTime == StartNs + Count * PeriodNs,
                    "blocks of frames must follow each other without a gap, with one period");
                return;
            }
            StartNs = (long)block.StartTime;
            PeriodNs = (long)block.Period;
            LowestSteps = Value<int>(block, "lowest_steps");
            HighestSteps = Value<int>(block, "highest_steps");
            SlowFrameLength = Value<ushort>(block, "slow_frame_length");
            Require(SlowFrameLength > 0, "slow_frame_length must be 1 or more");
        }

        private void AddFrame(byte[] data)
        {
            Require(data.Length == 2 * PixelCount + 2,
                string.Format("frame {0} has {1} bytes, not {2}", Count, data.Length, 2 * PixelCount + 2));
            var words = new short[PixelCount];
            for(var i = 0; i < PixelCount; i++)
            {
                words[i] = (short)(data[2 * i] | data[2 * i + 1] << 8);
            }
            pixelSteps.Add(words);
            thermistorWords.Add((ushort)(data[2 * PixelCount] | data[2 * PixelCount + 1] << 8));
        }

        private static T Value<T>(ConstantFrequencySamplesDataBlock<BinaryDataSample> block, string key)
        {
            MetadataValue value;
            T typed = default(T);
            var isThere = block.Metadata.TryGetValue(key, out value) && value.TryAs(out typed);
            Require(isThere, string.Format("metadata must have {0} of type {1}", key, typeof(T).Name));
            return typed;
        }

        private static void Require(bool isGood, string problem)
        {
            if(!isGood)
            {
                throw new RecoverableException(problem);
            }
        }

        private readonly List<short[]> pixelSteps = new List<short[]>();
        private readonly List<ushort> thermistorWords = new List<ushort>();

        private const string Content = "grid-eye-frames";
        private const byte Version = 1;
    }
}
