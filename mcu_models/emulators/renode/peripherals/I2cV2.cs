using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.I2C;

namespace Antmicro.Renode.Peripherals.EdgeSensorTwin
{
    /// <summary>
    /// The I2C controller of STM32L4, F7 and H7 (RM0351, chapter 39) as bus master, byte by byte in virtual time:
    /// 7-bit transfers with AUTOEND, software STOP, repeated START and RELOAD, by polling, interrupts or DMA, which gets
    /// a block as its last byte comes; an address or byte that nobody acknowledges raises NACKF. Slave mode, 10-bit
    /// addresses and SMBus are not modelled.
    /// </summary>
    [AllowedTranslations(AllowedTranslation.ByteToDoubleWord | AllowedTranslation.WordToDoubleWord)]
    public class I2cV2 : SimpleContainer<II2CPeripheral>, IDoubleWordPeripheral, IKnownSize, IDmaClient
    {
        public I2cV2(IMachine machine, CoreClock core, IClockTree clocks = null, uint kernelHz = 0, L4Dma dma = null,
            L4Dma secondDma = null) : base(machine)
        {
            this.core = core;
            this.clocks = clocks;
            this.kernelHz = kernelHz;
            controllers = new[] { dma, secondDma }.Where(one => one != null).ToArray();
            foreach(var controller in controllers)
            {
                controller.Attach(this);
            }
            EventInterrupt = new GPIO();
            ErrorInterrupt = new GPIO();
            words[Status] = TransmitEmpty;
        }

        public override void Reset()
        {
            words.Clear();
            words[Status] = TransmitEmpty;
            LetGo();
            Update();
        }

        public uint ReadDoubleWord(long offset)
        {
            if(offset != ReceiveData)
            {
                return Word(offset);
            }
            var value = Word(ReceiveData);
            Change(0, ReceiveFull);
            if(isStretched)
            {
                isStretched = false;
                Receive();
            }
            return value;
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case StatusClear:
                Change(0, value & Clearable);
                break;
            case TransmitData:
                Transmit(value & 0xFF);
                break;
            case Control2:
                SetControl2(value);
                break;
            case Status:
                Change(value & TransmitEmpty, 0);
                break;
            default:
                words[offset] = value;
                if(offset == Control1)
                {
                    SetControl1(value);
                }
                break;
            }
        }

        public void DmaReady()
        {
            if(Has(Status, TransmitReady) && Has(Control1, TransmitDma))
            {
                Request(TransmitData);
            }
            if(Has(Status, ReceiveFull) && Has(Control1, ReceiveDma))
            {
                Request(ReceiveData);
            }
        }

        public long Size => 0x400;

        public GPIO EventInterrupt { get; }

        public GPIO ErrorInterrupt { get; }

        private void SetControl1(uint value)
        {
            if((value & 1) == 0)
            {
                LetGo();
                words[Status] = TransmitEmpty;
                words[Control2] = Word(Control2) & ~(StartBit | StopBit);
            }
            Update();
            DmaReady();
        }

        private void SetControl2(uint value)
        {
            words[Control2] = value & ~StopBit;
            if(!Has(Control1, 1))
            {
                words[Control2] &= ~StartBit;
            }
            else if((value & StartBit) != 0)
            {
                Begin(value);
            }
            else if((value & StopBit) != 0)
            {
                StopSoon();
            }
            else if(Has(Status, CompleteReload))
            {
                left = (int)(value >> 16 & 0xFF);
                Change(0, CompleteReload);
                Continue();
            }
        }

        private void Begin(uint value)
        {
            Change(Busy, Complete | CompleteReload);
            left = (int)(value >> 16 & 0xFF);
            isReading = (value >> 10 & 1) != 0;
            SetPace();
            core.After(this, Bus, bitNs + byteNs, Address);
        }

        private void SetPace()
        {
            string name;
            var hz = clocks == null ? kernelHz : clocks.KernelHz(machine.TryGetLocalName(this, out name) ? name : "");
            if(hz <= 0)
            {
                this.Log(LogLevel.Warning, "transfer started while its kernel clock is off");
                hz = 1;
            }
            var timing = Word(Timing);
            var lowAndHigh = (timing & 0xFF) + 1 + (timing >> 8 & 0xFF) + 1;
            bitNs = lowAndHigh * ((timing >> 28) + 1) * 1e9 / hz + SynchronisationNs;
            byteNs = BitsPerByte * bitNs;
        }

        private void Address()
        {
            words[Control2] = Word(Control2) & ~StartBit;
            II2CPeripheral found;
            var wanted = (int)(Word(Control2) >> 1 & 0x7F);
            if(!TryGetByAddress(wanted, out found))
            {
                Refuse();
                return;
            }
            if(device == null || address != wanted)
            {
                device?.End();
                device = new WholeTransfers(found);
                address = wanted;
            }
            if(!device.Begin(isReading, left))
            {
                device = null;
                Refuse();
                return;
            }
            Continue();
        }

        private void Continue()
        {
            if(left == 0)
            {
                EndOfBytes();
            }
            else if(isReading && DmaTakes(left))
            {
                device.Fetch(left, byteNs);
                core.After(this, Bus, left * byteNs, ReceiveBlock);
            }
            else if(isReading)
            {
                core.After(this, Bus, byteNs, Receive);
            }
            else if(!Has(Status, TransmitEmpty))
            {
                core.After(this, Bus, byteNs, Sent);
            }
            else
            {
                Change(TransmitReady, 0);
                DmaReady();
            }
        }

        /// <summary>Gives every byte to DMA when the last has come, which is one event instead of one for each.</summary>
        private void ReceiveBlock()
        {
            while(device != null && left > 0)
            {
                words[ReceiveData] = device.ReadByte();
                left--;
                Change(ReceiveFull, 0);
                DmaReady();
            }
            EndOfBytes();
        }

        private void Receive()
        {
            if(device == null)
            {
                return;
            }
            if(Has(Status, ReceiveFull))
            {
                isStretched = true;
                return;
            }
            words[ReceiveData] = device.ReadByte();
            left--;
            Change(ReceiveFull, 0);
            DmaReady();
            Continue();
        }

        private void Transmit(uint value)
        {
            words[TransmitData] = value;
            Change(0, TransmitReady | TransmitEmpty);
            if(device != null)
            {
                core.After(this, Bus, byteNs, Sent);
            }
        }

        private void Sent()
        {
            if(device == null)
            {
                return;
            }
            left--;
            if(!device.WriteByte((byte)Word(TransmitData)))
            {
                Refuse();
                return;
            }
            words[Status] |= TransmitEmpty;
            Continue();
        }

        private void Refuse()
        {
            Change(NotAcknowledged | TransmitEmpty, 0);
            StopSoon();
        }

        private void EndOfBytes()
        {
            if(Has(Control2, Reload))
            {
                Change(CompleteReload, 0);
            }
            else if(Has(Control2, AutoEnd))
            {
                StopSoon();
            }
            else
            {
                Change(Complete, 0);
            }
        }

        private void StopSoon()
        {
            Change(0, Complete | CompleteReload);
            SetPace();
            core.After(this, Bus, bitNs, Stopped);
        }

        private void Stopped()
        {
            device?.End();
            device = null;
            words[Status] &= ~(Busy | TransmitReady);
            Change(StopSeen | TransmitEmpty, 0);
        }

        private void LetGo()
        {
            device = null;
            isStretched = false;
            core.Cancel(this, Bus);
        }

        private bool DmaTakes(int count)
        {
            return Has(Control1, ReceiveDma) && controllers.Any(one => one.Takes(Place(ReceiveData), count));
        }

        private void Request(long register)
        {
            controllers.Any(one => one.Request(Place(register)));
        }

        private ulong Place(long register)
        {
            var point = machine.GetSystemBus(this).GetRegistrationPoints(this).First();
            return point.Range.StartAddress + (ulong)register;
        }

        private void Change(uint set, uint clear)
        {
            words[Status] = (Word(Status) & ~clear) | set;
            Update();
        }

        private void Update()
        {
            var enabled = Word(Control1);
            var flags = Word(Status);
            // Enable bits 1, 2, 4, 5 and 6 gate TXIS, RXNE, NACKF, STOPF, and TC or TCR.
            var gated = enabled & flags & (TransmitReady | ReceiveFull | NotAcknowledged | StopSeen);
            var complete = (enabled & Complete) != 0 && (flags & (Complete | CompleteReload)) != 0;
            EventInterrupt.Set(gated != 0 || complete);
            ErrorInterrupt.Set((enabled & ErrorEnable) != 0 && (flags & Errors) != 0);
        }

        private bool Has(long offset, uint bits)
        {
            return (Word(offset) & bits) == bits;
        }

        private uint Word(long offset)
        {
            uint word;
            return words.TryGetValue(offset, out word) ? word : 0;
        }

        private WholeTransfers device;
        private int address;
        private int left;
        private bool isReading;
        private bool isStretched;
        private double bitNs;
        private double byteNs;
        private readonly CoreClock core;
        private readonly IClockTree clocks;
        private readonly uint kernelHz;
        private readonly L4Dma[] controllers;
        private readonly Dictionary<long, uint> words = new Dictionary<long, uint>();

        private const string Bus = "bus";
        /// <summary>Rise, fall and synchronisation of SCL in a bit: RM0351, examples of timing settings.</summary>
        private const double SynchronisationNs = 750;
        private const int BitsPerByte = 9;
        private const long Control1 = 0x00;
        private const long Control2 = 0x04;
        private const long Timing = 0x10;
        private const long Status = 0x18;
        private const long StatusClear = 0x1C;
        private const long ReceiveData = 0x24;
        private const long TransmitData = 0x28;
        private const uint TransmitEmpty = 1;
        private const uint TransmitReady = 1u << 1;
        private const uint ReceiveFull = 1u << 2;
        private const uint NotAcknowledged = 1u << 4;
        private const uint StopSeen = 1u << 5;
        private const uint Complete = 1u << 6;
        private const uint CompleteReload = 1u << 7;
        private const uint ErrorEnable = 1u << 7;
        private const uint Errors = 0x3F00;
        private const uint Busy = 1u << 15;
        private const uint StartBit = 1u << 13;
        private const uint StopBit = 1u << 14;
        private const uint Reload = 1u << 24;
        private const uint AutoEnd = 1u << 25;
        private const uint TransmitDma = 1u << 14;
        private const uint ReceiveDma = 1u << 15;
        private const uint Clearable = 0x3F38;
    }
}
